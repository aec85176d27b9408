/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

START_TEST(set_returns_the_code)
{
	struct bmap_error err = {0};

	ck_assert_int_eq(bmap_error_set(&err, EPROTO, "block %d of %s", 7, "x"), -EPROTO);
	ck_assert_int_eq(err.code, EPROTO);
	ck_assert_str_eq(err.message, "block 7 of x");
}
END_TEST

START_TEST(first_cause_wins)
{
	struct bmap_error err = {0};

	bmap_error_set(&err, EIO, "first");
	ck_assert_int_eq(bmap_error_set(&err, ENOMEM, "second"), -EIO);
	ck_assert_int_eq(bmap_error_set_system(&err, ENOENT, "third"), -EIO);
	ck_assert_str_eq(err.message, "first");
}
END_TEST

START_TEST(system_text_stands_behind)
{
	struct bmap_error err = {0};

	ck_assert_int_eq(bmap_error_set_system(&err, ENOENT, "cannot open '%s'", "f"), -ENOENT);
	ck_assert_str_eq(err.message, "cannot open 'f': No such file or directory");
}
END_TEST

START_TEST(prefix_stands_in_front_and_keeps_the_code)
{
	struct bmap_error err = {0};

	bmap_error_set(&err, EBADMSG, "damaged");
	ck_assert_int_eq(bmap_error_prefix(&err, "image '%s'", "a"), -EBADMSG);
	ck_assert_str_eq(err.message, "image 'a': damaged");
}
END_TEST

START_TEST(message_is_one_line)
{
	struct bmap_error err = {0};

	bmap_error_set(&err, EIO, "a\nb\tc\x7f\033[1m");
	ck_assert_str_eq(err.message, "a?b?c??[1m");
}
END_TEST

START_TEST(long_text_is_cut_at_the_end)
{
	struct bmap_error err = {0};
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bmap_error_set_system(&err, EIO, "%s", text);
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
	bmap_error_prefix(&err, "place");
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
	ck_assert(!strncmp(err.message, "place: xxx", 10));
	bmap_error_prefix(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
	ck_assert_int_eq(err.code, EIO);
}
END_TEST

UNIT_MAIN("error", set_returns_the_code, first_cause_wins, system_text_stands_behind,
	  prefix_stands_in_front_and_keeps_the_code, message_is_one_line,
	  long_text_is_cut_at_the_end)
