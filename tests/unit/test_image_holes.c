/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "image/image_holes.h"
#include "unit.h"

#define BLOCK 4096
#define SIZE  (64 * BLOCK + 100)

/* 64 blocks and a part, data in blocks 3, 10-11 (not at their borders) and the last. */
static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	ck_assert_int_eq(fd_pwrite_full(fd, "x", 1, 3 * BLOCK), 0);
	ck_assert_int_eq(fd_pwrite_full(fd, bytes_random(BLOCK, 1).data, BLOCK, 10 * BLOCK + 700),
			 0);
	ck_assert_int_eq(fd_pwrite_full(fd, "y", 1, SIZE - 1), 0);
	return fd;
}

static void check(const struct range_set *set, const struct bmap_range *expected, size_t n)
{
	ck_assert_uint_eq(set->n_ranges, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(set->ranges[i].first_block, expected[i].first_block);
		ck_assert_uint_eq(set->ranges[i].n_blocks, expected[i].n_blocks);
	}
}

static const struct bmap_range expected[] = {{3, 1}, {10, 2}, {64, 1}};

/* The folder of the test lies on a disk mostly, /dev/shm in memory: FIEMAP and SEEK_DATA. */
START_TEST(data_is_found_on_disk_and_in_memory)
{
	char in_memory[] = "/dev/shm/bmap-unit.XXXXXX";
	int fds[2] = {make_file("f"), mkstemp(in_memory)};

	if (fds[1] < 0) {
		unit_note("/dev/shm is not here: files in memory are not tested");
	} else {
		close(fds[1]);
		fds[1] = make_file(in_memory);
		unlink(in_memory);
	}
	for (size_t i = 0; i < 2 && fds[i] >= 0; i++) {
		struct range_set mapped = {0};
		struct bmap_error err = {0};
		uint64_t block_size = 0;

		OK(image_block_size(fds[i], "f", &block_size, &err));
		ck_assert_uint_eq(block_size, BLOCK);
		OK(image_holes_read(fds[i], "f", SIZE, BLOCK, &mapped, &err));
		check(&mapped, expected, 3);
		range_set_fini(&mapped);
		OK(image_holes_seek(fds[i], SIZE, BLOCK, &mapped));
		check(&mapped, expected, 3);
		range_set_fini(&mapped);
		/* Larger blocks than the filesystem's: what is touched is mapped. */
		OK(image_holes_read(fds[i], "f", SIZE, 3 * BLOCK, &mapped, &err));
		check(&mapped, (const struct bmap_range[]){{1, 1}, {3, 1}, {21, 1}}, 3);
		range_set_fini(&mapped);
		/* Smaller ones than its extents. */
		OK(image_holes_read(fds[i], "f", SIZE, 512, &mapped, &err));
		ck_assert_uint_eq(mapped.n_ranges, 3);
		ck_assert_uint_eq(mapped.ranges[2].first_block, 64 * BLOCK / 512);
		ck_assert_uint_eq(mapped.ranges[2].n_blocks, 1); /* as far as the image goes */
		range_set_fini(&mapped);
		close(fds[i]);
	}
}
END_TEST

START_TEST(all_holes_and_no_holes)
{
	struct range_set mapped = {0};
	struct bmap_error err = {0};
	int fd = open("f", O_RDWR | O_CREAT, 0666);

	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	OK(image_holes_read(fd, "f", SIZE, BLOCK, &mapped, &err));
	ck_assert_uint_eq(mapped.n_ranges, 0);
	ck_assert_int_eq(fd_pwrite_full(fd, bytes_random(SIZE, 2).data, SIZE, 0), 0);
	OK(image_holes_read(fd, "f", SIZE, BLOCK, &mapped, &err));
	check(&mapped, (const struct bmap_range[]){{0, 65}}, 1);
	range_set_fini(&mapped);
	close(fd);
}
END_TEST

START_TEST(unwritten_extents_are_mapped)
{
	struct range_set mapped = {0};
	struct bmap_error err = {0};
	int fd = make_file("f");

	if (fallocate(fd, FALLOC_FL_ZERO_RANGE, 20 * BLOCK, 2 * BLOCK) < 0) {
		unit_note("fallocate: %s: unwritten extents are not tested", strerror(errno));
	} else {
		OK(image_holes_read(fd, "f", SIZE, BLOCK, &mapped, &err));
		check(&mapped, (const struct bmap_range[]){{3, 1}, {10, 2}, {20, 2}, {64, 1}}, 4);
	}
	range_set_fini(&mapped);
	close(fd);
}
END_TEST

START_TEST(many_extents_take_several_requests)
{
	struct range_set mapped = {0};
	struct bmap_error err = {0};
	int fd = open("f", O_RDWR | O_CREAT, 0666);
	const uint64_t n = 1500;

	for (uint64_t i = 0; i < n; i++)
		ck_assert_int_eq(fd_pwrite_full(fd, "x", 1, 2 * i * BLOCK), 0);
	OK(image_holes_read(fd, "f", 2 * n * BLOCK, BLOCK, &mapped, &err));
	ck_assert_uint_eq(mapped.n_ranges, n);
	for (uint64_t i = 0; i < n; i++)
		ck_assert_uint_eq(mapped.ranges[i].first_block, 2 * i);
	range_set_fini(&mapped);
	close(fd);
}
END_TEST

START_TEST(filesystems_that_eat_zeros_are_known)
{
	ck_assert_str_eq(image_holes_zero_eater(0x2fc12fc1), "ZFS"); /* COMPAT B1-8 */
	ck_assert_str_eq(image_holes_zero_eater(0x24051905), "UBIFS");
	ck_assert_ptr_null(image_holes_zero_eater(0xef53));     /* ext4 */
	ck_assert_ptr_null(image_holes_zero_eater(0x01021994)); /* tmpfs */
	ck_assert_ptr_null(image_holes_zero_eater(0x4d44));     /* FAT has no holes at all */
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	struct range_set mapped = {0};
	struct bmap_error err = {0};
	uint64_t block_size;

	FAILS(image_block_size(-1, "f", &block_size, &err), EBADF, "cannot open image file 'f'");
	FAILS(image_holes_read(-1, "f", SIZE, BLOCK, &mapped, &err), EBADF, "cannot read 'f'");
	ck_assert_int_lt(image_holes_seek(-1, SIZE, BLOCK, &mapped), 0);
}
END_TEST

UNIT_MAIN("image_holes", data_is_found_on_disk_and_in_memory, all_holes_and_no_holes,
	  unwritten_extents_are_mapped, many_extents_take_several_requests,
	  filesystems_that_eat_zeros_are_known, what_is_no_file_is_refused)
