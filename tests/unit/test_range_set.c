/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "map/range_set.h"
#include "unit.h"

static void check(const struct range_set *set, const struct bmap_range *expected, size_t n)
{
	ck_assert_uint_eq(set->n_ranges, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(set->ranges[i].first_block, expected[i].first_block);
		ck_assert_uint_eq(set->ranges[i].n_blocks, expected[i].n_blocks);
	}
}

#define CHECK(set, ...) \
	check(set, (const struct bmap_range[]){__VA_ARGS__}, \
	      ARRAY_SIZE(((const struct bmap_range[]){__VA_ARGS__})))

START_TEST(neighbours_are_joined_as_they_come)
{
	struct range_set set = {0};

	ck_assert_int_eq(range_set_add(&set, 5, 0), 0);
	ck_assert_uint_eq(set.n_ranges, 0);
	ck_assert_int_eq(range_set_add(&set, 2, 3), 0);
	ck_assert_int_eq(range_set_add(&set, 5, 1), 0);
	ck_assert_int_eq(range_set_add(&set, 8, 1), 0);
	ck_assert_int_eq(range_set_append(&set, (struct bmap_range){9, 1}), 0);
	CHECK(&set, {2, 4}, {8, 1}, {9, 1});
	range_set_fini(&set);
	ck_assert_uint_eq(set.n_ranges, 0);
}
END_TEST

START_TEST(normalizing_sorts_and_joins)
{
	static const struct bmap_range ranges[] = {{50, 2},  {0, 3},  {2, 2},  {4, 1},
						   {10, 20}, {12, 3}, {52, 1}, {60, 1}};
	struct range_set set = {0};

	range_set_normalize(&set);
	ck_assert_uint_eq(set.n_ranges, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ck_assert_int_eq(range_set_append(&set, ranges[i]), 0);
	range_set_normalize(&set);
	CHECK(&set, {0, 5}, {10, 20}, {50, 3}, {60, 1});
	range_set_normalize(&set);
	CHECK(&set, {0, 5}, {10, 20}, {50, 3}, {60, 1});
	range_set_fini(&set);
}
END_TEST

START_TEST(splitting_leaves_the_rest_at_the_end)
{
	struct range_set set = {0};

	ck_assert_int_eq(range_set_add(&set, 1, 7), 0);
	ck_assert_int_eq(range_set_add(&set, 20, 3), 0);
	ck_assert_int_eq(range_set_split(&set, 3), 0);
	CHECK(&set, {1, 3}, {4, 3}, {7, 1}, {20, 3});
	range_set_fini(&set);
}
END_TEST

START_TEST(many_ranges_grow_the_set)
{
	struct range_set set = {0};

	for (uint64_t i = 1000; i > 0; i--)
		ck_assert_int_eq(range_set_append(&set, (struct bmap_range){3 * i, 2}), 0);
	range_set_normalize(&set);
	ck_assert_uint_eq(set.n_ranges, 1000);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(set.ranges[i].first_block, 3 * (i + 1));
	range_set_fini(&set);
}
END_TEST

/* Of ranges that are made of bits; some touch without being joined. */
static void add_bits(struct range_set *set, uint64_t bits, uint64_t borders)
{
	for (uint64_t i = 0; i < 64; i++) {
		bool touches = i && bits >> (i - 1) & 1;

		if (!(bits >> i & 1))
			continue;
		if (touches && !(borders >> i & 1))
			set->ranges[set->n_ranges - 1].n_blocks++;
		else
			ck_assert_int_eq(range_set_append(set, (struct bmap_range){i, 1}), 0);
	}
}

START_TEST(blocks_beyond_a_set_are_counted)
{
	static const uint64_t sets[] = {
		0,
		1,
		UINT64_MAX,
		UINT64_C(0xff00ff00ff00ff00),
		UINT64_C(0x00ff00ff00ff00ff),
		UINT64_C(0x0ff00ff00ff00ff0),
		UINT64_C(0x5555555555555555),
		UINT64_C(0xaaaaaaaaaaaaaaaa),
		UINT64_C(1) << 63,
		UINT64_C(0x7ffffffffffffffe),
		UINT64_C(0x8000000000000001),
		UINT64_C(0x123456789abcdef0),
	};
	static const uint64_t borders[] = {0, UINT64_MAX, UINT64_C(0x8421084210842108)};

	for (size_t i = 0; i < ARRAY_SIZE(sets) * ARRAY_SIZE(sets) * 9; i++) {
		uint64_t a_bits = sets[i / 9 % ARRAY_SIZE(sets)];
		uint64_t b_bits = sets[i / 9 / ARRAY_SIZE(sets)];
		struct range_set a = {0}, b = {0};

		add_bits(&a, a_bits, borders[i % 3]);
		add_bits(&b, b_bits, borders[i / 3 % 3]);
		ck_assert_uint_eq(range_set_n_beyond(&a, &b),
				  (uint64_t)__builtin_popcountll(a_bits & ~b_bits));
		range_set_fini(&a);
		range_set_fini(&b);
	}
}
END_TEST

START_TEST(large_sets_are_counted_beyond_each_other)
{
	struct bmap_range ranges[] = {{0, UINT64_C(1) << 51}}, other[] = {{7, 1}, {9, 3}};
	const struct range_set none = {0};
	struct range_set a = {.n_ranges = 1, .ranges = ranges};
	struct range_set b = {.n_ranges = 2, .ranges = other};

	ck_assert_uint_eq(range_set_n_beyond(&a, &none), UINT64_C(1) << 51);
	ck_assert_uint_eq(range_set_n_beyond(&a, &b), (UINT64_C(1) << 51) - 4);
	ck_assert_uint_eq(range_set_n_beyond(&b, &a), 0);
	ck_assert_uint_eq(range_set_n_beyond(&a, &a), 0);
	ck_assert_uint_eq(range_set_n_beyond(&none, &a), 0);
}
END_TEST

UNIT_MAIN("range_set", neighbours_are_joined_as_they_come, normalizing_sorts_and_joins,
	  splitting_leaves_the_rest_at_the_end, many_ranges_grow_the_set,
	  blocks_beyond_a_set_are_counted, large_sets_are_counted_beyond_each_other)
