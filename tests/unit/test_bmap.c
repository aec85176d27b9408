/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "unit.h"

START_TEST(counts_follow_the_ranges)
{
	struct bmap_error err = {0};
	uint8_t sum[32] = {1, 2, 3};
	const uint8_t *digest;
	size_t digest_len;
	struct bmap *map;
	struct bmap_range range;

	OK(bmap_new(&map, 10 * 4096 - 96, 4096, "sha256", &err));
	ck_assert_uint_eq(bmap_n_blocks(map), 10);
	ck_assert_uint_eq(bmap_mapped_bytes(map), 0);
	ck_assert_str_eq(bmap_format_version(map), "2.0");
	ck_assert_str_eq(bmap_checksum_type(map), "sha256");
	OK(bmap_add_range(map, 0, 2, sum, &err));
	OK(bmap_add_range(map, 5, 1, NULL, &err));
	ck_assert_uint_eq(bmap_mapped_bytes(map), 3 * 4096);
	OK(bmap_add_range(map, 8, 2, sum, &err)); /* with the partial block */
	ck_assert_uint_eq(bmap_n_mapped_blocks(map), 5);
	ck_assert_uint_eq(bmap_mapped_bytes(map), 5 * 4096 - 96);
	ck_assert_uint_eq(bmap_n_ranges(map), 3);
	range = bmap_get_range(map, 0, &digest, &digest_len);
	ck_assert_uint_eq(range.n_blocks, 2);
	ck_assert_uint_eq(digest_len, 32);
	ck_assert_mem_eq(digest, sum, 32);
	bmap_get_range(map, 1, &digest, NULL);
	ck_assert_ptr_null(digest);
	bmap_free(map);
	bmap_free(NULL);
}
END_TEST

START_TEST(a_map_without_checksums_takes_none)
{
	struct bmap_error err = {0};
	const uint8_t *digest = (const uint8_t *)"x";
	uint8_t sum[BMAP_MAX_DIGEST_LEN] = {0};
	struct bmap *map;

	OK(bmap_new(&map, 4096, 4096, NULL, &err));
	OK(bmap_add_range(map, 0, 1, sum, &err));
	bmap_get_range(map, 0, &digest, NULL);
	ck_assert_ptr_null(digest);
	ck_assert_ptr_null(bmap_checksum_type(map));
	bmap_free(map);
}
END_TEST

START_TEST(limits_of_sizes)
{
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	FAILS(bmap_new(&map, 1, 0, NULL, &err), EINVAL, "the block size is 0");
	FAILS(bmap_new(&map, UINT64_MAX, 4096, NULL, &err), EOVERFLOW, "is too large");
	FAILS(bmap_new(&map, INT64_MAX, 4096, NULL, &err), EOVERFLOW, "is too large");
	FAILS(bmap_new(&map, 1, UINT64_C(1) << 63, NULL, &err), EOVERFLOW, "is too large");
	FAILS(bmap_new(&map, 4096, 4096, "no-such-sum", &err), EOPNOTSUPP,
	      "cannot initialize hash function \"no-such-sum\"");
	ck_assert_ptr_null(map);
	OK(bmap_new(&map, INT64_MAX / 4096 * 4096, 4096, NULL, &err));
	OK(bmap_add_range(map, 0, bmap_n_blocks(map), NULL, &err));
	ck_assert_uint_eq(bmap_mapped_bytes(map), INT64_MAX / 4096 * 4096);
	bmap_free(map);
	OK(bmap_new(&map, INT64_MAX, 1, NULL, &err));
	bmap_free(map);
	OK(bmap_new(&map, 0, 4096, NULL, &err));
	ck_assert_uint_eq(bmap_n_blocks(map), 0);
	FAILS(bmap_add_range(map, 0, 1, NULL, &err), EINVAL, "does not lie in the image");
	bmap_free(map);
}
END_TEST

START_TEST(ranges_are_sorted_disjoint_and_inside)
{
	struct bmap_error err = {0};
	struct bmap *map;

	OK(bmap_new(&map, 100, 1, NULL, &err));
	OK(bmap_add_range(map, 10, 5, NULL, &err));
	FAILS(bmap_add_range(map, 14, 1, NULL, &err), EINVAL,
	      "the ranges at blocks 10 and 14 overlap");
	FAILS(bmap_add_range(map, 0, 1, NULL, &err), EINVAL, "overlap");
	FAILS(bmap_add_range(map, 99, 2, NULL, &err), EINVAL,
	      "the range of 2 blocks at block 99 does not lie in the image of 100 blocks");
	FAILS(bmap_add_range(map, 50, 0, NULL, &err), EINVAL, "does not lie in the image");
	FAILS(bmap_add_range(map, UINT64_MAX, 2, NULL, &err), EINVAL, "does not lie in");
	FAILS(bmap_add_range(map, 100, 1, NULL, &err), EINVAL, "does not lie in the image");
	ck_assert_uint_eq(bmap_n_ranges(map), 1);
	OK(bmap_add_range(map, 15, 85, NULL, &err)); /* touching is not overlapping */
	ck_assert_uint_eq(bmap_n_mapped_blocks(map), 90);
	bmap_free(map);
}
END_TEST

START_TEST(finds_the_range_that_ends_behind_a_block)
{
	struct bmap_error err = {0};
	struct bmap *map;

	OK(bmap_new(&map, 10000, 1, NULL, &err));
	ck_assert_uint_eq(bmap_find_range(map, 0), 0);
	for (uint64_t i = 0; i < 500; i++)
		OK(bmap_add_range(map, 10 * i + 5, 3, NULL, &err));
	for (uint64_t block = 0; block < 5100; block++)
		ck_assert_uint_eq(bmap_find_range(map, block),
				  MIN(block / 10 + (block % 10 >= 8), 500));
	bmap_free(map);
}
END_TEST

START_TEST(the_version_has_three_numbers)
{
	unsigned int numbers[3];

	ck_assert_int_eq(sscanf(bmap_version(), "%u.%u.%u", &numbers[0], &numbers[1], &numbers[2]),
			 3);
	ck_assert_str_eq(bmap_version(), PACKAGE_VERSION);
}
END_TEST

UNIT_MAIN("bmap", counts_follow_the_ranges, a_map_without_checksums_takes_none, limits_of_sizes,
	  ranges_are_sorted_disjoint_and_inside, finds_the_range_that_ends_behind_a_block,
	  the_version_has_three_numbers)
