/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bmap/overlay.h"
#include "unit.h"

#define BLOCK    4096
#define N_BLOCKS 41
#define SIZE     (40 * BLOCK + 500) /* the last block is not whole */

static const struct bmap_range ranges[] = {{0, 2}, {4, 3}, {7, 1}, {10, 20}, {39, 2}};

static bool is_mapped(size_t block)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (block >= ranges[i].first_block &&
		    block < ranges[i].first_block + ranges[i].n_blocks)
			return true;
	}
	return false;
}

/* What a test writes to. */
struct disk {
	struct bmap *map;
	struct bmap_view *view;
	struct bmap_overlay *overlay;
	struct bytes file; /* "disk.img" */
	uint8_t *expected;
	bool is_data[N_BLOCKS];
};

static int open_overlay(struct disk *disk, struct bmap_error *err)
{
	return bmap_overlay_open(&disk->overlay, disk->view, "disk.cow", err);
}

static void open_disk(struct disk *disk, bool has_map)
{
	const struct bmap_view_options options = {.temporary_folder = ".", .n_threads = 1};
	struct bmap_error err = {0};

	*disk = (struct disk){.file = bytes_random(SIZE, 1)};
	write_file("disk.img", disk->file);
	if (has_map)
		disk->map = map_of(&disk->file, SIZE, BLOCK, ranges, ARRAY_SIZE(ranges));
	disk->expected = bytes_join(disk->file, bytes_zeros(0)).data;
	for (size_t i = 0; i < N_BLOCKS; i++) {
		disk->is_data[i] = !has_map || is_mapped(i);
		if (!disk->is_data[i])
			memset(disk->expected + i * BLOCK, 0, MIN(BLOCK, SIZE - i * BLOCK));
	}
	OK(bmap_view_open(&disk->view, "disk.img", disk->map, &options, &err));
	OK(open_overlay(disk, &err));
}

static void close_disk(struct disk *disk)
{
	bmap_overlay_close(disk->overlay);
	bmap_view_close(disk->view);
	bmap_free(disk->map);
	ASSERT_BYTES(read_file("disk.img"), disk->file); /* whatever was written */
}

static void check_disk(struct disk *disk)
{
	static uint8_t buf[SIZE + 10];
	struct bmap_error err = {0};
	uint64_t n_data = 0;

	ck_assert_int_eq(bmap_overlay_pread(disk->overlay, buf, SIZE + 10, 0, &err), SIZE);
	ck_assert_mem_eq(buf, disk->expected, SIZE);
	for (size_t at = 100; at < SIZE; at += 7777) {
		size_t len = MIN((size_t)5000, SIZE - at);

		ck_assert_int_eq(bmap_overlay_pread(disk->overlay, buf, 5000, at, &err),
				 (ssize_t)len);
		ck_assert_mem_eq(buf, disk->expected + at, len);
	}
	for (uint64_t at = 0; at < SIZE; at += 1000) {
		uint64_t data = at, hole = at, found;

		while (data < SIZE && !disk->is_data[data / BLOCK])
			data = (data / BLOCK + 1) * BLOCK;
		while (hole < SIZE && disk->is_data[hole / BLOCK])
			hole = (hole / BLOCK + 1) * BLOCK;
		ck_assert_int_eq(bmap_overlay_find_data(disk->overlay, at, &found), data < SIZE);
		if (data < SIZE)
			ck_assert_uint_eq(found, data);
		ck_assert(bmap_overlay_find_hole(disk->overlay, at, &found));
		ck_assert_uint_eq(found, MIN(hole, (uint64_t)SIZE));
	}
	for (size_t i = 0; i < N_BLOCKS; i++)
		n_data += disk->is_data[i] ? MIN(BLOCK, SIZE - i * BLOCK) : 0;
	ck_assert_uint_eq(bmap_overlay_data_bytes(disk->overlay), n_data);
}

static void write_at(struct disk *disk, size_t at, size_t len, unsigned int seed)
{
	struct bytes bytes = bytes_random(len, seed);
	struct bmap_error err = {0};

	OK(bmap_overlay_pwrite(disk->overlay, bytes.data, len, at, &err));
	if (len)
		memcpy(disk->expected + at, bytes.data, len);
	for (size_t i = at / BLOCK; len && i <= (at + len - 1) / BLOCK; i++)
		disk->is_data[i] = true;
}

/* Here and there, over borders, twice, and at the end. */
static void write_about(struct disk *disk, unsigned int seed)
{
	write_at(disk, 0, 1, seed);
	write_at(disk, 3 * BLOCK - 1, 2, seed + 1);
	write_at(disk, 8 * BLOCK, BLOCK, seed + 2);
	write_at(disk, 12 * BLOCK + 100, 3 * BLOCK, seed + 3);
	write_at(disk, 13 * BLOCK, 10, seed + 4);
	write_at(disk, SIZE - 1, 1, seed + 5);
	write_at(disk, 32 * BLOCK + 50, 0, seed);
	write_at(disk, 34 * BLOCK, 2 * BLOCK + 1, seed + 6);
}

START_TEST(what_is_written_is_read)
{
	for (size_t has_map = 0; has_map < 2; has_map++) {
		struct bmap_error err = {0};
		struct disk disk;
		struct stat st;
		uint8_t byte;

		open_disk(&disk, has_map);
		check_disk(&disk);
		write_about(&disk, 10);
		check_disk(&disk);
		write_about(&disk, 20);
		OK(bmap_overlay_sync(disk.overlay, &err));
		check_disk(&disk);
		ck_assert_int_eq(bmap_overlay_pread(disk.overlay, &byte, 1, SIZE, &err), 0);
		ck_assert_int_eq(bmap_overlay_pread(disk.overlay, &byte, 1, SIZE + BLOCK, &err), 0);
		ck_assert_int_eq(stat("disk.cow", &st), 0);
		ck_assert_int_eq(st.st_size, SIZE);
		close_disk(&disk);
		unlink("disk.cow");
		unlink("disk.cow.blocks");
	}
	bmap_overlay_close(NULL);
}
END_TEST

START_TEST(it_is_there_the_next_time)
{
	struct bmap_error err = {0};
	struct disk disk;

	open_disk(&disk, true);
	for (unsigned int i = 0; i < 4; i++) {
		if (i)
			write_about(&disk, i);
		bmap_overlay_close(disk.overlay);
		OK(open_overlay(&disk, &err));
		check_disk(&disk);
	}
	close_disk(&disk);
}
END_TEST

START_TEST(nothing_is_written_behind_the_end)
{
	static const struct {
		uint64_t at;
		size_t len;
	} cases[] = {{SIZE, 1},      {SIZE - 1, 2},         {0, SIZE + 1},      {UINT64_MAX, 1},
		     {INT64_MAX, 1}, {SIZE + BLOCK, BLOCK}, {UINT64_MAX - 5, 6}};
	uint8_t *buf = unit_alloc(SIZE + 1);
	struct bmap_error err = {0};
	struct disk disk;

	memset(buf, 0x55, SIZE + 1);
	open_disk(&disk, true);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		FAILS(bmap_overlay_pwrite(disk.overlay, buf, cases[i].len, cases[i].at, &err),
		      EFBIG, "");
		check_disk(&disk);
	}
	close_disk(&disk);
}
END_TEST

START_TEST(an_overlay_is_of_one_image)
{
	struct bytes other = bytes_random(SIZE, 2);
	const struct bmap_view_options options = {.temporary_folder = "."};
	struct bmap_overlay *overlay = NULL;
	struct bmap_error err = {0};
	struct disk disk;

	open_disk(&disk, true);
	write_about(&disk, 10);
	close_disk(&disk);
	for (size_t i = 0; i < 3; i++) { /* another map, none, and another size */
		struct bmap_view *view = NULL;
		struct bmap *map = NULL;

		if (i == 2)
			other = bytes_part(other, 0, SIZE - BLOCK);
		write_file("other.img", other);
		if (i != 1)
			map = map_of(&other, other.len, BLOCK, ranges, ARRAY_SIZE(ranges) - 1);
		OK(bmap_view_open(&view, "other.img", map, &options, &err));
		FAILS(bmap_overlay_open(&overlay, view, "disk.cow", &err), EBADMSG, "disk.cow");
		bmap_view_close(view);
		bmap_free(map);
	}
	open_disk(&disk, true); /* the same one at another time */
	write_about(&disk, 10);
	check_disk(&disk);
	close_disk(&disk);
	write_file("disk.cow.blocks", bytes_random(5000, 1));
	OK(bmap_view_open(&disk.view, "disk.img", NULL, &options, &err));
	FAILS(open_overlay(&disk, &err), EPROTO, "disk.cow");
	FAILS(bmap_overlay_open(&overlay, disk.view, "no/such", &err), ENOENT, "no/such");
	ck_assert_ptr_null(overlay);
	bmap_view_close(disk.view);
}
END_TEST

START_TEST(an_image_is_no_overlay)
{
	struct bmap_error err = {0};
	struct bytes precious = bytes_random(SIZE, 3);
	struct disk disk;
	int r;

	open_disk(&disk, true);
	bmap_overlay_close(disk.overlay);
	write_file("precious", precious);
	r = bmap_overlay_open(&disk.overlay, disk.view, "precious", &err);
	ck_assert_int_eq(r, -EPROTO);
	ASSERT_BYTES(read_file("precious"), precious);
	disk.overlay = NULL;
	close_disk(&disk);
}
END_TEST

/* ---- other processes ---- */

START_TEST(another_process_may_not_have_it)
{
	struct disk disk;
	int status;
	pid_t pid;

	open_disk(&disk, true);
	pid = fork();
	if (pid == 0) {
		struct bmap_overlay *overlay;
		struct bmap_error err = {0};
		int r = bmap_overlay_open(&overlay, disk.view, "disk.cow", &err);

		_exit(r == -EBUSY && strstr(err.message, "disk.cow") ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	write_about(&disk, 1);
	check_disk(&disk);
	close_disk(&disk);
}
END_TEST

START_TEST(what_was_written_survives_a_kill)
{
	struct bmap_error err = {0};
	struct disk disk;
	pid_t pid;

	open_disk(&disk, true);
	write_about(&disk, 1);
	bmap_overlay_close(disk.overlay);
	disk.overlay = NULL;
	pid = fork();
	if (pid == 0) {
		if (open_overlay(&disk, &err) == 0)
			write_at(&disk, 31 * BLOCK + 7, BLOCK, 3);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	memcpy(disk.expected + 31 * BLOCK + 7, bytes_random(BLOCK, 3).data, BLOCK);
	disk.is_data[31] = disk.is_data[32] = true;
	OK(open_overlay(&disk, &err));
	check_disk(&disk);
	close_disk(&disk);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_block_that_cannot_be_read_can_be_written_whole)
{
	const struct bmap_view_options options = {.temporary_folder = "."};
	struct bytes image = bytes_random(SIZE, 1), bad = bytes_join(image, bytes_zeros(0));
	struct bmap *map = map_of(&image, SIZE, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_error err = {0};
	struct disk disk = {0};
	uint8_t buf[4 * BLOCK];

	bad.data[5 * BLOCK] ^= 1; /* in the range of blocks 4 to 6 */
	write_file("disk.img", bad);
	OK(bmap_view_open(&disk.view, "disk.img", map, &options, &err));
	OK(open_overlay(&disk, &err));
	FAILS(bmap_overlay_pread(disk.overlay, buf, 10, 4 * BLOCK, &err), EBADMSG, "4-6");
	FAILS(bmap_overlay_pwrite(disk.overlay, buf, 10, 4 * BLOCK, &err), EBADMSG, "4-6");
	FAILS(bmap_overlay_pread(disk.overlay, buf, 10, 4 * BLOCK, &err), EBADMSG, "4-6");
	memset(buf, 7, BLOCK);
	OK(bmap_overlay_pwrite(disk.overlay, buf, BLOCK, 4 * BLOCK, &err));
	memset(buf, 0, BLOCK);
	ck_assert_int_eq(bmap_overlay_pread(disk.overlay, buf, BLOCK, 4 * BLOCK, &err), BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		ck_assert_int_eq(buf[i], 7);
	OK(bmap_overlay_pwrite(disk.overlay, "x", 1, 5 * BLOCK - 1, &err));
	FAILS(bmap_overlay_pread(disk.overlay, buf, 2 * BLOCK, 4 * BLOCK, &err), EBADMSG, "4-6");
	bmap_overlay_close(disk.overlay);
	bmap_view_close(disk.view);
	bmap_free(map);
}
END_TEST

/* ---- threads ---- */

#define N_WRITERS 4
#define STRIPE    512

struct writer {
	struct bmap_overlay *overlay;
	pthread_t thread;
	size_t number;
	atomic_bool *failed;
};

/* Each has a stripe of every block: no write of one may undo that of another. */
static void *write_stripes(void *opaque)
{
	struct writer *writer = opaque;
	struct bmap_error err = {0};
	uint8_t buf[STRIPE], read[STRIPE];

	memset(buf, (int)writer->number + 1, sizeof(buf));
	for (size_t i = 0; i < 40; i++) {
		size_t at = i * BLOCK + writer->number * STRIPE;

		if (bmap_overlay_pwrite(writer->overlay, buf, STRIPE, at, &err) < 0 ||
		    bmap_overlay_pread(writer->overlay, read, STRIPE, at, &err) != STRIPE ||
		    memcmp(buf, read, STRIPE) != 0)
			*writer->failed = true;
		if (i % 16 == 0 && bmap_overlay_sync(writer->overlay, &err) < 0)
			*writer->failed = true;
	}
	return NULL;
}

START_TEST(threads_write_to_the_same_blocks)
{
	struct writer writers[N_WRITERS];
	atomic_bool failed = false;
	struct disk disk;

	open_disk(&disk, true);
	for (size_t i = 0; i < N_WRITERS; i++) {
		writers[i] = (struct writer){disk.overlay, 0, i, &failed};
		ck_assert_int_eq(
			pthread_create(&writers[i].thread, NULL, write_stripes, &writers[i]), 0);
	}
	for (size_t i = 0; i < N_WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	ck_assert(!failed);
	for (size_t i = 0; i < 40; i++) {
		disk.is_data[i] = true;
		for (size_t j = 0; j < N_WRITERS; j++)
			memset(disk.expected + i * BLOCK + j * STRIPE, (int)j + 1, STRIPE);
	}
	check_disk(&disk);
	close_disk(&disk);
}
END_TEST

UNIT_MAIN("overlay", what_is_written_is_read, it_is_there_the_next_time,
	  nothing_is_written_behind_the_end, an_overlay_is_of_one_image, an_image_is_no_overlay,
	  another_process_may_not_have_it, what_was_written_survives_a_kill,
	  a_block_that_cannot_be_read_can_be_written_whole, threads_write_to_the_same_blocks)
