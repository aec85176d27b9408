/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regular files and character devices; block devices need root: tests/e2e. */
#include <sys/stat.h>
#include <unistd.h>

#include "target/target_write.h"
#include "unit.h"

static const struct bmap_target_options plain;

START_TEST(a_file_is_untouched_until_it_begins)
{
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	write_file("f", bytes_of("old"));
	OK(bmap_target_open(&target, "f", &plain, &err));
	ck_assert_str_eq(bmap_target_name(target), "f");
	ck_assert(!bmap_target_is_block_device(target));
	ck_assert(!target_has_begun(target) && target_is_born_zero(target));
	OK(target_check_size(target, UINT64_C(1) << 60, "img", &err));
	bmap_target_close(target);
	ASSERT_BYTES(read_file("f"), bytes_of("old"));
	bmap_target_close(NULL);
}
END_TEST

START_TEST(a_new_file_that_was_not_begun_goes_away)
{
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	OK(bmap_target_open(&target, "f", &plain, &err));
	bmap_target_close(target);
	ck_assert_int_lt(access("f", F_OK), 0);
}
END_TEST

START_TEST(what_is_not_written_is_zero)
{
	struct bytes data = bytes_random(300000, 1), expected = bytes_zeros(500000);
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	write_file("f", bytes_random(600000, 2));
	OK(bmap_target_open(&target, "f", &plain, &err));
	OK(target_begin(target, 500000, &err));
	ck_assert(target_has_begun(target));
	OK(target_write(target, data.data, data.len, 100000, &err));
	OK(target_end(target, 500000, &err));
	ck_assert_uint_eq(target_written_bytes(target), data.len);
	OK(bmap_target_sync(target, &err));
	bmap_target_close(target);
	memcpy(expected.data + 100000, data.data, data.len);
	ASSERT_BYTES(read_file("f"), expected);
}
END_TEST

START_TEST(all_that_is_written_is_counted)
{
	struct bytes data = bytes_random(3 << 20, 3);
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	OK(bmap_target_open(&target, "f", &plain, &err));
	OK(target_begin(target, TARGET_SIZE_UNKNOWN, &err));
	for (uint64_t i = 0; i < 12; i++) { /* several windows of write-back */
		OK(target_write(target, data.data, data.len, i * data.len, &err));
		ck_assert_uint_le(target_written_bytes(target), (i + 1) * data.len);
	}
	OK(target_end(target, 12 * data.len - 5, &err));
	ck_assert_uint_eq(target_written_bytes(target), 12 * data.len);
	bmap_target_close(target);
	ck_assert_uint_eq(read_file("f").len, 12 * data.len - 5);
}
END_TEST

START_TEST(devices_of_characters)
{
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	OK(bmap_target_open(&target, "/dev/null", &plain, &err));
	ck_assert(!target_is_born_zero(target));
	OK(target_begin(target, 10, &err));
	OK(target_write(target, "x", 1, 0, &err));
	OK(target_end(target, 10, &err));
	OK(bmap_target_sync(target, &err));
	bmap_target_close(target);
	OK(bmap_target_open(&target, "/dev/full", &plain, &err));
	OK(target_begin(target, 10, &err));
	FAILS(target_write(target, "x", 1, 0, &err), ENOSPC, "cannot write '/dev/full'");
	bmap_target_close(target);
}
END_TEST

START_TEST(what_cannot_be_a_target_is_refused)
{
	const struct bmap_target_options removable = {.removable = true};
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	FAILS(bmap_target_open(&target, ".", &plain, &err), EISDIR,
	      "cannot open destination file '.': Is a directory");
	FAILS(bmap_target_open(&target, "fifo", &plain, &err), ESPIPE,
	      "File or stream is not seekable.");
	FAILS(bmap_target_open(&target, "no/such", &plain, &err), ENOENT,
	      "cannot open destination file 'no/such'");
	FAILS(bmap_target_open(&target, "/dev/no-such-device", &plain, &err), ENOENT,
	      "there is no device '/dev/no-such-device' (--force makes a regular file");
	ck_assert_int_lt(access("/dev/no-such-device", F_OK), 0);
	FAILS(bmap_target_open(&target, "none", &removable, &err), ENOENT,
	      "Destination file none does not exist. But the removable-device option expects");
	write_file("f", bytes_of("x"));
	FAILS(bmap_target_open(&target, "f", &removable, &err), EINVAL,
	      "Destination file f is not a block device.");
	ck_assert_ptr_null(target);
}
END_TEST

UNIT_MAIN("target", a_file_is_untouched_until_it_begins, a_new_file_that_was_not_begun_goes_away,
	  what_is_not_written_is_zero, all_that_is_written_is_counted, devices_of_characters,
	  what_cannot_be_a_target_is_refused)
