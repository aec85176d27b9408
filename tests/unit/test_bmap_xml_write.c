/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "unit.h"

static void check_same(const struct bmap *map, const struct bmap *other)
{
	ck_assert_uint_eq(bmap_image_size_bytes(other), bmap_image_size_bytes(map));
	ck_assert_uint_eq(bmap_block_size_bytes(other), bmap_block_size_bytes(map));
	ck_assert_uint_eq(bmap_n_mapped_blocks(other), bmap_n_mapped_blocks(map));
	ck_assert_uint_eq(bmap_n_ranges(other), bmap_n_ranges(map));
	for (size_t i = 0; i < bmap_n_ranges(map); i++) {
		const uint8_t *digest, *other_digest;
		size_t len;
		struct bmap_range a = bmap_get_range(map, i, &digest, &len);
		struct bmap_range b = bmap_get_range(other, i, &other_digest, NULL);

		ck_assert_uint_eq(a.first_block, b.first_block);
		ck_assert_uint_eq(a.n_blocks, b.n_blocks);
		ck_assert_int_eq(digest == NULL, other_digest == NULL);
		if (digest)
			ck_assert_mem_eq(digest, other_digest, len);
	}
}

START_TEST(what_is_written_reads_back)
{
	static const char *const types[] = {"sha256", "md5", "sha512", "sha3_256"};
	struct bmap_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct bytes sums = bytes_random(BMAP_MAX_DIGEST_LEN * 100, (unsigned int)i);
		struct bmap *map, *other = NULL;
		char *text = NULL;
		size_t len = 0;

		OK(bmap_new(&map, UINT64_C(1) << 40 | 5, 512, types[i], &err));
		for (uint64_t n = 0; n < 100; n++)
			OK(bmap_add_range(map, n * n * 1000, 1 + n % 3,
					  n % 7 ? sums.data + n * BMAP_MAX_DIGEST_LEN : NULL,
					  &err));
		OK(bmap_add_range(map, bmap_n_blocks(map) - 1, 1, NULL, &err));
		OK(bmap_format(map, &text, &len, &err));
		ck_assert_uint_eq(strlen(text), len);
		OK(bmap_parse(&other, text, len, "m", &err));
		ck_assert_str_eq(bmap_checksum_type(other), types[i]);
		check_same(map, other);
		free(text);
		bmap_free(other);
		bmap_free(map);
	}
}
END_TEST

START_TEST(the_form_is_that_of_version_2)
{
	struct bmap_error err = {0};
	uint8_t sum[16] = {0xab};
	const char *at;
	char *text = NULL;
	size_t len;
	struct bmap *map;
	static const char *const in_order[] = {
		"<bmap version=\"2.0\">",
		"<ImageSize> 20000 </ImageSize>",
		"<BlockSize> 4096 </BlockSize>",
		"<BlocksCount> 5 </BlocksCount>",
		"<MappedBlocksCount> 3 </MappedBlocksCount>",
		"<ChecksumType> md5 </ChecksumType>",
		"<BmapFileChecksum> ",
		" </BmapFileChecksum>",
		"<BlockMap>",
		"<Range chksum=\"ab000000000000000000000000000000\"> 0-1 </Range>",
		"<Range> 4 </Range>",
		"</BlockMap>",
		"</bmap>\n",
	};

	OK(bmap_new(&map, 20000, 4096, "md5", &err));
	OK(bmap_add_range(map, 0, 2, sum, &err));
	OK(bmap_add_range(map, 4, 1, NULL, &err));
	OK(bmap_format(map, &text, &len, &err));
	at = text;
	for (size_t i = 0; i < ARRAY_SIZE(in_order); i++) {
		const char *found = strstr(at, in_order[i]);

		ck_assert_msg(found != NULL, "%s is missing, or not in its place", in_order[i]);
		at = found + strlen(in_order[i]);
	}
	free(text);
	bmap_free(map);
}
END_TEST

START_TEST(a_map_without_checksums_is_sealed_by_sha256)
{
	struct bmap_error err = {0};
	struct bmap *map, *other = NULL;
	char *text = NULL;
	size_t len;

	OK(bmap_new(&map, 0, 4096, NULL, &err));
	OK(bmap_format(map, &text, &len, &err));
	ck_assert_ptr_nonnull(strstr(text, "<ChecksumType> sha256 </ChecksumType>"));
	OK(bmap_parse(&other, text, len, "m", &err));
	ck_assert_uint_eq(bmap_n_blocks(other), 0);
	bmap_free(other);
	free(text);
	bmap_free(map);
}
END_TEST

UNIT_MAIN("bmap_xml_write", what_is_written_reads_back, the_form_is_that_of_version_2,
	  a_map_without_checksums_is_sealed_by_sha256)
