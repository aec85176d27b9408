/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <time.h>

#include "base/child.h"
#include "base/fd_io.h"
#include "unit.h"

#define SH(script) ((const char *const[]){"sh", "-c", script, NULL})

START_TEST(output_errors_and_status_come_back)
{
	struct bmap_error err = {0};
	char *out = NULL, *said = NULL;
	size_t len = 0;
	int status = -1;

	OK(child_run(SH("printf 'a\\0b'; echo no >&2; exit 3"), 100, &out, &len, &said, &status,
		     &err));
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(out, "a\0b", 4);
	ck_assert_str_eq(said, "no\n");
	ck_assert_int_eq(status, 3);
	free(out);
	free(said);
}
END_TEST

START_TEST(status_of_a_signal_is_as_in_the_shell)
{
	struct bmap_error err = {0};
	char *out = NULL;
	size_t len = 0;
	int status = -1;

	OK(child_run(SH("kill -9 $$"), 100, &out, &len, NULL, &status, &err));
	ck_assert_int_eq(status, 128 + 9);
	free(out);
}
END_TEST

START_TEST(standard_input_is_empty)
{
	struct bmap_error err = {0};
	char *out = NULL;
	size_t len = 1;
	int status = -1;

	OK(child_run((const char *const[]){"cat", NULL}, 100, &out, &len, NULL, &status, &err));
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(out, "");
	free(out);
}
END_TEST

START_TEST(arguments_pass_no_shell)
{
	struct bytes out = RUN("printf", "%s", "; $(id) `id` *");

	ASSERT_BYTES(out, bytes_of("; $(id) `id` *"));
}
END_TEST

START_TEST(missing_program_is_enoent)
{
	struct bmap_error err = {0};
	char *out = NULL;
	size_t len;

	FAILS(child_run((const char *const[]){"no-such-program", NULL}, 1, &out, &len, NULL, NULL,
			&err),
	      ENOENT, "cannot run 'no-such-program'");
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(too_long_output_is_refused)
{
	struct bmap_error err = {0};
	char *out = NULL;
	size_t len = 0;

	FAILS(child_run(SH("printf 12345678901"), 10, &out, &len, NULL, NULL, &err), EFBIG,
	      "cannot read the output of 'sh'");
	/* The child would write for ever: it is ended. */
	FAILS(child_run((const char *const[]){"yes", NULL}, 1 << 20, &out, &len, NULL, NULL, &err),
	      EFBIG, "cannot read the output of 'yes'");
	OK(child_run(SH("printf 1234567890"), 10, &out, &len, NULL, NULL, &err));
	ck_assert_uint_eq(len, 10);
	free(out);
}
END_TEST

START_TEST(large_output_comes_whole)
{
	struct bytes out = RUN("sh", "-c", "head -c 300000 /dev/zero; echo end");

	ck_assert_uint_eq(out.len, 300004);
	ck_assert_mem_eq(out.data + 300000, "end\n", 4);
}
END_TEST

START_TEST(long_complaints_are_cut_not_lost)
{
	struct bmap_error err = {0};
	char *out = NULL, *said = NULL;
	size_t len;

	OK(child_run(SH("echo first >&2; head -c 300000 /dev/zero | tr '\\0' x >&2"), 10, &out,
		     &len, &said, NULL, &err));
	ck_assert_ptr_nonnull(said);
	ck_assert_uint_le(strlen(said), 64 << 10);
	ck_assert(!strncmp(said, "first\nxxx", 9));
	free(said);
	free(out);
}
END_TEST

START_TEST(extra_variable_reaches_the_child)
{
	struct bmap_error err = {0};
	struct child *child;
	char buf[32] = "";
	int status = -1;

	setenv("UNIT_OTHER", "kept", 1);
	OK(child_open(&child, SH("echo $UNIT_EXTRA $UNIT_OTHER"), "UNIT_EXTRA=given", &err));
	ck_assert_int_eq(fd_read_full(child_stdout(child), buf, sizeof(buf) - 1), 11);
	child_close(child, 0, &status, NULL);
	ck_assert_str_eq(buf, "given kept\n");
	ck_assert_int_eq(status, 0);
	ck_assert_ptr_null(getenv("UNIT_EXTRA"));
}
END_TEST

START_TEST(a_child_that_goes_on_is_killed)
{
	struct bmap_error err = {0};
	struct child *child;
	time_t start = time(NULL);
	int status = -1;

	OK(child_open(&child, (const char *const[]){"sleep", "60", NULL}, NULL, &err));
	child_close(child, 1, &status, NULL);
	ck_assert_int_eq(status, 128 + 15);
	ck_assert_int_lt(time(NULL) - start, 30);
}
END_TEST

UNIT_MAIN("child", output_errors_and_status_come_back, status_of_a_signal_is_as_in_the_shell,
	  standard_input_is_empty, arguments_pass_no_shell, missing_program_is_enoent,
	  too_long_output_is_refused, large_output_comes_whole, long_complaints_are_cut_not_lost,
	  extra_variable_reaches_the_child, a_child_that_goes_on_is_killed)
