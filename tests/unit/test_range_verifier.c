/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copy/range_verifier.h"
#include "unit.h"

#define BLOCK 100

static const struct bmap_range ranges[] = {{0, 2}, {5, 3}, {8, 1}, {12, 1}};

static struct range_verifier *verifier_of(const struct bmap *map, bool no_checksums)
{
	struct bmap_error err = {0};
	struct range_verifier *verifier = NULL;

	OK(range_verifier_new(&verifier, map, "img", no_checksums, &err));
	return verifier;
}

START_TEST(right_ranges_pass_in_any_steps)
{
	struct bytes image = bytes_random(1250, 1); /* the last block is a half */
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_error err = {0};

	for (size_t step = 1; step <= 1300; step += step / 3 + 1) {
		struct range_verifier *verifier = verifier_of(map, false);

		for (size_t at = 0; at < image.len; at += step)
			OK(range_verifier_take(verifier, image.data + at, MIN(step, image.len - at),
					       at, &err));
		ck_assert_uint_eq(range_verifier_mapped_bytes(verifier), bmap_mapped_bytes(map));
		ck_assert_uint_ge(range_verifier_verified_to(verifier), image.len);
		range_verifier_free(verifier);
	}
	bmap_free(map);
	range_verifier_free(NULL);
}
END_TEST

START_TEST(unmapped_bytes_may_be_left_out_or_wrong)
{
	struct bytes image = bytes_random(1250, 2);
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct range_verifier *verifier = verifier_of(map, false);
	struct bmap_error err = {0};

	memset(image.data + 200, 0, 300);
	OK(range_verifier_take(verifier, image.data, 300, 0, &err));
	OK(range_verifier_take(verifier, image.data + 500, 400, 500, &err));
	OK(range_verifier_take(verifier, image.data + 1200, 50, 1200, &err));
	ck_assert_uint_eq(range_verifier_mapped_bytes(verifier), bmap_mapped_bytes(map));
	range_verifier_free(verifier);
	bmap_free(map);
}
END_TEST

START_TEST(verified_is_what_lies_before_an_open_range)
{
	struct bytes image = bytes_random(1250, 3);
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct range_verifier *verifier = verifier_of(map, false);
	struct bmap_error err = {0};

	OK(range_verifier_take(verifier, image.data, 199, 0, &err));
	ck_assert_uint_eq(range_verifier_verified_to(verifier), 0);
	OK(range_verifier_take(verifier, image.data + 199, 401, 199, &err));
	ck_assert_uint_eq(range_verifier_verified_to(verifier), 500);
	OK(range_verifier_take(verifier, image.data + 600, 300, 600, &err));
	ck_assert_uint_eq(range_verifier_verified_to(verifier), 900);
	range_verifier_free(verifier);
	bmap_free(map);
}
END_TEST

START_TEST(a_wrong_byte_is_noticed_when_its_range_ends)
{
	struct bytes image = bytes_random(1250, 4);
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct range_verifier *verifier = verifier_of(map, false);
	struct bmap_error err = {0};

	image.data[650] ^= 1;
	OK(range_verifier_take(verifier, image.data, 799, 0, &err));
	FAILS(range_verifier_take(verifier, image.data + 799, 1, 799, &err), EBADMSG,
	      "checksum mismatch for blocks range 5-7: calculated ");
	range_verifier_free(verifier);
	/* not when nobody asked for it */
	verifier = verifier_of(map, true);
	OK(range_verifier_take(verifier, image.data, image.len, 0, &err));
	ck_assert_uint_eq(range_verifier_verified_to(verifier), image.len);
	range_verifier_free(verifier);
	bmap_free(map);
}
END_TEST

START_TEST(mapped_bytes_that_are_missing_are_noticed)
{
	struct bytes image = bytes_random(1250, 5);
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_error err = {0};
	/* first bytes, in the middle of a range, a whole range */
	static const size_t gaps[][2] = {{0, 1}, {550, 600}, {800, 900}};

	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		struct range_verifier *verifier = verifier_of(map, i == 1);

		if (gaps[i][0])
			OK(range_verifier_take(verifier, image.data, gaps[i][0], 0, &err));
		FAILS(range_verifier_take(verifier, image.data + gaps[i][1], image.len - gaps[i][1],
					  gaps[i][1], &err),
		      EBADMSG, "the image 'img' lacks bytes of its blocks");
		range_verifier_free(verifier);
	}
	bmap_free(map);
}
END_TEST

UNIT_MAIN("range_verifier", right_ranges_pass_in_any_steps, unmapped_bytes_may_be_left_out_or_wrong,
	  verified_is_what_lies_before_an_open_range, a_wrong_byte_is_noticed_when_its_range_ends,
	  mapped_bytes_that_are_missing_are_noticed)
