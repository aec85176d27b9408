/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copy/map_builder.h"
#include "unit.h"

#define BLOCK 64

/* Builds from @image, leaving out the blocks in which @left_out has a 1. */
static struct bmap *build(struct bytes image, const struct map_builder_options *given, size_t step,
			  const char *left_out)
{
	struct map_builder_options options = *given;
	struct map_builder *builder = NULL;
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	options.block_size_bytes = BLOCK;
	options.checksum_type = "sha256";
	OK(map_builder_new(&builder, &options, &err));
	for (size_t at = 0, len; at < image.len; at += len) {
		len = MIN(step, image.len - at);
		if (left_out && left_out[at / BLOCK] == '1')
			continue;
		OK(map_builder_take(builder, image.data + at, len, at, &err));
	}
	OK(map_builder_finish(builder, image.len, &map, &err));
	map_builder_free(builder);
	return map;
}

/* The map is that of @ranges, with the checksums of @image. */
static void check(struct bmap *map, struct bytes image, const struct bmap_range *ranges, size_t n)
{
	struct bmap *expected = map_of(&image, image.len, BLOCK, ranges, n);

	ck_assert_uint_eq(bmap_n_ranges(map), n);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *digest, *expected_digest;
		struct bmap_range range = bmap_get_range(map, i, &digest, NULL);

		bmap_get_range(expected, i, &expected_digest, NULL);
		ck_assert_uint_eq(range.first_block, ranges[i].first_block);
		ck_assert_uint_eq(range.n_blocks, ranges[i].n_blocks);
		ck_assert_mem_eq(digest, expected_digest, 32);
	}
	bmap_free(expected);
	bmap_free(map);
}

/* Blocks by a pattern: '1' random, '0' zeros; the last one is @last_len long. */
static struct bytes image_of(const char *pattern, size_t last_len)
{
	size_t n = strlen(pattern);
	struct bytes image = bytes_random(n * BLOCK - BLOCK + last_len, 1);

	for (size_t i = 0; i < n; i++) {
		if (pattern[i] == '0')
			memset(image.data + i * BLOCK, 0, i == n - 1 ? last_len : BLOCK);
	}
	return image;
}

START_TEST(zeros_are_left_out_when_asked)
{
	static const struct bmap_range ranges[] = {{1, 2}, {5, 1}, {8, 1}}, all[] = {{0, 9}};
	struct bytes image = image_of("011001001", 10);

	for (size_t step = 1; step < 700; step += 13) {
		struct map_builder_options options = {.detect_zeroes = true};

		check(build(image, &options, step, NULL), image, ranges, 3);
		options.detect_zeroes = false;
		check(build(image, &options, step, NULL), image, all, 1);
	}
}
END_TEST

START_TEST(a_last_partial_block_of_zeros)
{
	static const struct bmap_range ranges[] = {{0, 1}}, two[] = {{0, 1}, {2, 1}};
	const struct map_builder_options options = {.detect_zeroes = true};

	check(build(image_of("100", 1), &options, 50, NULL), image_of("100", 1), ranges, 1);
	check(build(image_of("101", 1), &options, 50, NULL), image_of("101", 1), two, 2);
}
END_TEST

START_TEST(what_never_comes_counts_as_zeros)
{
	static const struct bmap_range ranges[] = {{1, 1}, {4, 1}}, all[] = {{0, 6}};
	struct map_builder_options options = {.detect_zeroes = true};
	struct bytes image = image_of("010010", 20);

	check(build(image, &options, BLOCK, "101101"), image, ranges, 2);
	options.detect_zeroes = false;
	check(build(image, &options, BLOCK, "101101"), image, all, 1);
	check(build(image_of("000", 5), &options, BLOCK, "111"), image_of("000", 5),
	      (const struct bmap_range[]){{0, 3}}, 1);
}
END_TEST

START_TEST(some_blocks_are_mapped_whatever_they_hold)
{
	static const struct bmap_range nomap[] = {{0, 1}, {4, 2}};
	static const struct bmap_range ranges[] = {{0, 2}, {4, 3}};
	const struct map_builder_options options = {
		.detect_zeroes = true, .nomap = nomap, .n_nomap = 2};
	struct bytes image = image_of("01000010", BLOCK);

	check(build(image, &options, 100, NULL), image, ranges, 2);
}
END_TEST

START_TEST(long_ranges_are_cut)
{
	static const struct bmap_range ranges[] = {{0, 2}, {2, 1}, {4, 2}, {6, 2}};
	const struct map_builder_options options = {.detect_zeroes = true, .max_range_blocks = 2};
	struct bytes image = image_of("11101111", 7);

	check(build(image, &options, 100, NULL), image, ranges, 4);
}
END_TEST

START_TEST(many_ranges_and_no_checksums)
{
	struct bytes image = bytes_zeros(1000 * BLOCK);
	struct map_builder_options options = {.detect_zeroes = true};
	const uint8_t *digest;
	struct bmap *map;

	for (size_t i = 0; i < 1000; i += 2)
		image.data[i * BLOCK + i % BLOCK] = 1;
	map = build(image, &options, 1000, NULL);
	ck_assert_uint_eq(bmap_n_ranges(map), 500);
	bmap_free(map);
	options.no_checksum = true;
	map = build(image, &options, 1000, NULL);
	ck_assert_uint_eq(bmap_n_mapped_blocks(map), 500);
	bmap_get_range(map, 0, &digest, NULL);
	ck_assert_ptr_null(digest);
	bmap_free(map);
}
END_TEST

START_TEST(an_unknown_checksum_is_refused)
{
	const struct map_builder_options options = {.block_size_bytes = 1, .checksum_type = "x"};
	struct map_builder *builder = NULL;
	struct bmap_error err = {0};

	FAILS(map_builder_new(&builder, &options, &err), EOPNOTSUPP, "hash function \"x\"");
	ck_assert_ptr_null(builder);
}
END_TEST

UNIT_MAIN("map_builder", zeros_are_left_out_when_asked, a_last_partial_block_of_zeros,
	  what_never_comes_counts_as_zeros, some_blocks_are_mapped_whatever_they_hold,
	  long_ranges_are_cut, many_ranges_and_no_checksums, an_unknown_checksum_is_refused)
