/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "image/partition_table.h"
#include "unit.h"

#define MIB (UINT64_C(1) << 20)

static int find(const char *path, unsigned int number, uint64_t *first, uint64_t *len,
		struct bmap_error *err)
{
	struct bmap_image *image = NULL;
	int r = bmap_image_open(&image, path, &(struct bmap_image_options){0}, err);

	if (r == 0)
		r = partition_find(image, number, first, len, err);
	bmap_image_close(image);
	return r;
}

#ifdef HAVE_BLKID
static bool make_disk(const char *script)
{
	if (!has_tool("sfdisk")) {
		unit_note("sfdisk is not here: partition tables are not tested");
		return false;
	}
	write_file("disk", bytes_zeros(16 * MIB));
	write_file("script", bytes_of(script));
	RUN("sh", "-c", "sfdisk -q disk <script");
	return true;
}

START_TEST(partitions_of_both_tables)
{
	static const char *const scripts[] = {
		"label: gpt\nstart=2048, size=4096\nstart=8192, size=2048\n",
		"label: dos\nstart=2048, size=4096, type=83\nstart=8192, size=2048, type=83\n"};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		if (!make_disk(scripts[i]))
			return;
		for (int packed = 0; packed < 2; packed++) {
			struct bmap_error err = {0};
			uint64_t first = 0, len = 0;

			write_file("packed", encode("gzip", read_file("disk")));
			OK(find(packed ? "packed" : "disk", 1, &first, &len, &err));
			ck_assert_uint_eq(first, MIB);
			ck_assert_uint_eq(len, 2 * MIB);
			OK(find(packed ? "packed" : "disk", 2, &first, &len, &err));
			ck_assert_uint_eq(first, 4 * MIB);
			ck_assert_uint_eq(len, MIB);
			FAILS(find(packed ? "packed" : "disk", 3, &first, &len, &err), ENOENT,
			      "has no partition p3");
		}
	}
}
END_TEST

START_TEST(logical_partitions_begin_at_5)
{
	struct bmap_error err = {0};
	uint64_t first = 0, len = 0;

	if (!make_disk(
		    "label: dos\nstart=2048, size=20000, type=5\nstart=4096, size=2048, type=83\n"))
		return;
	OK(find("disk", 5, &first, &len, &err));
	ck_assert_uint_eq(first, 2 * MIB);
	ck_assert_uint_eq(len, MIB);
}
END_TEST

START_TEST(a_gpt_without_its_second_copy)
{
	struct bmap_error err = {0};
	uint64_t first = 0, len = 0;
	struct bytes disk;

	if (!make_disk("label: gpt\nstart=2048, size=4096\n"))
		return;
	disk = read_file("disk");
	memset(disk.data + disk.len - 40 * 512, 0, (size_t)40 * 512);
	write_file("disk", disk);
	OK(find("disk", 1, &first, &len, &err));
	ck_assert_uint_eq(first, MIB);
}
END_TEST

START_TEST(an_image_without_a_table)
{
	struct bmap_error err = {0};
	uint64_t first = 7, len = 7;

	write_file("disk", bytes_random(2 * MIB, 1));
	FAILS(find("disk", 1, &first, &len, &err), ENOENT, "'disk' has no partition p1");
	write_file("disk", bytes_of("x"));
	FAILS(find("disk", 1, &first, &len, &err), ENOENT, "'disk' has no partition p1");
	ck_assert_uint_eq(first, 7);
	ck_assert_uint_eq(len, 7);
}
END_TEST

UNIT_MAIN("partition_table", partitions_of_both_tables, logical_partitions_begin_at_5,
	  a_gpt_without_its_second_copy, an_image_without_a_table)
#else
START_TEST(this_build_cannot)
{
	struct bmap_error err = {0};
	uint64_t first, len;

	unit_note("this build is without libblkid: partition tables are not tested");
	write_file("disk", bytes_zeros(MIB));
	ck_assert_int_eq(find("disk", 1, &first, &len, &err), -EOPNOTSUPP);
}
END_TEST

UNIT_MAIN("partition_table", this_build_cannot)
#endif
