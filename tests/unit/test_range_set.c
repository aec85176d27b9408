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

UNIT_MAIN("range_set", neighbours_are_joined_as_they_come, normalizing_sorts_and_joins,
	  splitting_leaves_the_rest_at_the_end, many_ranges_grow_the_set)
