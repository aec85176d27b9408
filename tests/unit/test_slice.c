/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "map/slice.h"
#include "unit.h"

/* Blocks of 10 bytes in an image of 95: [0,20) [30,40) [40,50) [90,95). */
static struct bmap *make_map(void)
{
	static const struct bmap_range ranges[] = {{0, 2}, {3, 1}, {4, 1}, {9, 1}};

	return map_of(NULL, 95, 10, ranges, ARRAY_SIZE(ranges));
}

START_TEST(everything_without_a_map)
{
	struct slice slice = {0};

	ck_assert(slice_next(NULL, 100, 50, &slice));
	ck_assert_uint_eq(slice.first_bytes, 100);
	ck_assert_uint_eq(slice.len, 50);
	ck_assert(!slice_next(NULL, 100, 50, &slice));
	slice = (struct slice){0};
	ck_assert(!slice_next(NULL, 100, 0, &slice));
}
END_TEST

/* Against a table of single bytes, for every stretch of the image. */
START_TEST(mapped_parts_of_every_stretch)
{
	struct bmap *map = make_map();

	for (size_t from = 0; from <= 95; from++) {
		for (size_t len = 0; from + len <= 95; len++) {
			int owner[95];
			struct slice slice = {0};

			memset(owner, -1, sizeof(owner));
			while (slice_next(map, from, len, &slice)) {
				ck_assert_uint_gt(slice.len, 0);
				for (size_t i = 0; i < slice.len; i++) {
					ck_assert_int_eq(owner[slice.first_bytes + i], -1);
					owner[slice.first_bytes + i] = (int)slice.range;
				}
				ck_assert_uint_le(slice.range_first_bytes, slice.first_bytes);
				ck_assert_uint_ge(slice.range_end_bytes,
						  slice.first_bytes + slice.len);
			}
			for (size_t i = 0; i < 95; i++) {
				bool inside = i >= from && i < from + len;
				int expected = !inside       ? -1
					       : i < 20      ? 0
					       : i / 10 == 3 ? 1
					       : i / 10 == 4 ? 2
					       : i >= 90     ? 3
							     : -1;

				ck_assert_int_eq(owner[i], expected);
			}
		}
	}
	bmap_free(map);
}
END_TEST

UNIT_MAIN("slice", everything_without_a_map, mapped_parts_of_every_stretch)
