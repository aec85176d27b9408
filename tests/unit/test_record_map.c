/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also on the filesystem that the tests run on when it is none that is mapped: it says the same. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "trace/record_map.h"
#include "unit.h"

#define FILE_LEN (3 << 20)

static int open_file(struct record_map *map)
{
	int fd = open("record", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	record_map_open(map, fd);
	return fd;
}

static void check_written(int allowed)
{
	static uint8_t model[FILE_LEN], found[FILE_LEN];
	struct record_map map;
	unsigned int seed = 3;
	int fd;

	if (allowed)
		record_map_allow();
	fd = open_file(&map);
	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[300];
		size_t n = (size_t)rand_r(&seed) % sizeof(bytes) + 1;
		size_t at = (size_t)rand_r(&seed) % (FILE_LEN - sizeof(bytes));

		memset(bytes, rand_r(&seed), n);
		memcpy(model + at, bytes, n);
		ck_assert_int_eq(record_map_write(&map, fd, bytes, n, at), 0);
	}
	ck_assert_int_eq(record_map_check(&map, fd), 0);
	record_map_close(&map);
	ck_assert_int_gt(fd_pread_full(fd, found, FILE_LEN, 0), FILE_LEN - 1000);
	ck_assert_mem_eq(found, model, FILE_LEN);
	close(fd);
}

START_TEST(what_is_written_is_in_the_file)
{
	check_written(false);
}
END_TEST

START_TEST(what_is_written_through_mappings_is_in_the_file)
{
	check_written(true);
}
END_TEST

/* Far apart, so that there are more windows than a map has. */
START_TEST(any_number_of_windows)
{
	struct record_map map;
	uint8_t byte;
	int fd;

	record_map_allow();
	fd = open_file(&map);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_int_eq(record_map_write(&map, fd, &(uint8_t){(uint8_t)(i + 1)}, 1,
						  (i * 37 % 100 << 20) + i),
				 0);
	record_map_close(&map);
	for (uint64_t i = 0; i < 100; i++) {
		ck_assert_int_eq(fd_pread_full(fd, &byte, 1, (i * 37 % 100 << 20) + i), 1);
		ck_assert_uint_eq(byte, i + 1);
	}
	close(fd);
}
END_TEST

/* Whole pages, a part of one, and then longer again by somebody else. */
START_TEST(a_file_that_was_cut_is_an_error)
{
	static const off_t lengths[] = {0, 4096, 4096 + 10, 2 * 4096 - 1};

	record_map_allow();
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct record_map map;
		int fd = open_file(&map), r = 0;

		ck_assert_int_eq(record_map_write(&map, fd, (const uint8_t *)"x", 1, 5000), 0);
		ck_assert_int_eq(ftruncate(fd, lengths[i]), 0);
		for (int n = 0; r == 0 && n < 300; n++)
			r = record_map_write(&map, fd, (const uint8_t *)"y", 1, 6000);
		ck_assert_int_eq(r, -EIO);
		/* and stays one */
		ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
		ck_assert_int_eq(record_map_check(&map, fd), -EIO);
		ck_assert_int_eq(record_map_write(&map, fd, (const uint8_t *)"z", 1, 5000), -EIO);
		record_map_close(&map);
		close(fd);
	}
}
END_TEST

static void leave(int number)
{
	_exit(number);
}

/* Signals that are none of ours go to who took them before. */
START_TEST(other_signals_are_handed_on)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGBUS, leave);
		record_map_allow();
		raise(SIGBUS);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == SIGBUS);
}
END_TEST

UNIT_MAIN("record_map", what_is_written_is_in_the_file,
	  what_is_written_through_mappings_is_in_the_file, any_number_of_windows,
	  a_file_that_was_cut_is_an_error, other_signals_are_handed_on)
