/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/source.h"
#include "source/source_ops.h"
#include "unit.h"

#define LEN 300000

static struct source *open_path(const char *location)
{
	const struct source_options options = {0};
	struct bmap_error err = {0};
	struct source *source = NULL;

	OK(source_open(&source, location, &options, &err));
	return source;
}

static struct source *open_pipe(struct bytes bytes, bool keep_open)
{
	struct bmap_error err = {0};
	struct source *source = NULL;

	OK(source_open_stream(&source, pipe_of(bytes, keep_open), "pipe", &err));
	return source;
}

static void check_read(struct source *source, struct bytes whole, uint64_t offset, size_t len)
{
	struct bytes buf = bytes_zeros(len);
	struct bmap_error err = {0};
	ssize_t n = source_pread(source, buf.data, len, offset, &err);

	OK(n);
	ck_assert_uint_eq((size_t)n, offset < whole.len ? MIN(len, whole.len - offset) : 0);
	if (n)
		ck_assert_mem_eq(buf.data, whole.data + offset, (size_t)n);
}

START_TEST(a_file_is_read_anywhere)
{
	struct bytes bytes = bytes_random(LEN, 1);
	struct source *source;
	uint64_t size = 0, offset = 1;

	write_file("f", bytes);
	source = open_path("f");
	ck_assert_str_eq(source_name(source), "f");
	ck_assert(source_size(source, &size));
	ck_assert_uint_eq(size, LEN);
	ck_assert(source_is_seekable(source));
	ck_assert_int_ge(source_local_fd(source, &offset), 0);
	ck_assert_uint_eq(offset, 0);
	check_read(source, bytes, 200000, 1000);
	check_read(source, bytes, 0, LEN);
	check_read(source, bytes, LEN - 5, 10);
	check_read(source, bytes, LEN, 10);
	check_read(source, bytes, LEN + 100, 10);
	source_close(source);
	source_close(NULL);
}
END_TEST

START_TEST(what_exists_is_a_file_whatever_its_name)
{
	struct bytes bytes = bytes_of("hello");
	char url[4200], cwd[4096];
	struct source *source;

	ck_assert(mkdir("http:", 0777) == 0 && mkdir("http:/h", 0777) == 0);
	write_file("http://h/f", bytes);
	ck_assert(!source_location_is_remote("http://h/f"));
	ck_assert(source_location_is_remote("http://h/g"));
	ck_assert(!source_location_is_remote("file:///g"));
	ck_assert(!source_location_is_remote("plain"));
	source = open_path("http://h/f");
	check_read(source, bytes, 0, 5);
	source_close(source);
	write_file("with space", bytes);
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	snprintf(url, sizeof(url), "file://%s/with%%20space", cwd);
	source = open_path(url);
	check_read(source, bytes, 0, 5);
	source_close(source);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	const struct source_options options = {0};
	struct bmap_error err = {0};
	struct source *source = NULL;

	FAILS(source_open(&source, "no/such", &options, &err), ENOENT,
	      "cannot open 'no/such': No such file or directory");
	FAILS(source_open(&source, ".", &options, &err), EISDIR, "cannot open '.'");
	FAILS(source_open(&source, "file:///no/such", &options, &err), ENOENT,
	      "cannot open '/no/such'");
	ck_assert_ptr_null(source);
}
END_TEST

START_TEST(peeking_uses_nothing_up)
{
	struct bytes bytes = bytes_random(LEN, 2);
	struct source *sources[2];
	struct bmap_error err = {0};
	const uint8_t *head;

	write_file("f", bytes);
	sources[0] = open_path("f");
	sources[1] = open_pipe(bytes, false);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(source_peek(sources[i], &head, 10, &err), 10);
		ck_assert_mem_eq(head, bytes.data, 10);
		ck_assert_int_eq(source_peek(sources[i], &head, 100000, &err), 100000);
		ck_assert_mem_eq(head, bytes.data, 100000);
		ck_assert_int_eq(source_peek(sources[i], &head, 5, &err), 5);
		check_read(sources[i], bytes, 0, 50);
		check_read(sources[i], bytes, 99990, 20); /* across the end of what was shown */
		check_read(sources[i], bytes, 10, 50);    /* back into it */
		check_read(sources[i], bytes, 100010, LEN);
		source_close(sources[i]);
	}
}
END_TEST

START_TEST(peeking_a_short_source_gives_all_of_it)
{
	struct source *source = open_pipe(bytes_of("abc"), false);
	struct bmap_error err = {0};
	const uint8_t *head;

	ck_assert_int_eq(source_peek(source, &head, 4096, &err), 3);
	ck_assert_mem_eq(head, "abc", 3);
	check_read(source, bytes_of("abc"), 0, 10);
	check_read(source, bytes_of("abc"), 3, 10);
	source_close(source);
}
END_TEST

START_TEST(a_stream_only_goes_forwards)
{
	struct bytes bytes = bytes_random(LEN, 3);
	struct source *source = open_pipe(bytes, false);
	struct bmap_error err = {0};
	uint64_t size = 7, offset;
	uint8_t buf[10];

	ck_assert(!source_size(source, &size));
	ck_assert_uint_eq(size, 7);
	ck_assert(!source_is_seekable(source));
	ck_assert_int_eq(source_local_fd(source, &offset), -1);
	check_read(source, bytes, 0, 10);
	check_read(source, bytes, 200000, 10); /* skips */
	FAILS(source_pread(source, buf, 1, 0, &err), ESPIPE, "'pipe' can only be read forwards");
	check_read(source, bytes, 200010, LEN);
	check_read(source, bytes, LEN, 10);
	check_read(source, bytes, LEN + 1000, 10);
	source_close(source);
}
END_TEST

START_TEST(peeking_further_after_reading_never_lies)
{
	struct bytes bytes = bytes_random(LEN, 4);
	struct source *source = open_pipe(bytes, false);
	struct bmap_error err = {0};
	const uint8_t *head;
	ssize_t n;

	check_read(source, bytes, 0, 1000);
	n = source_peek(source, &head, 100, &err);
	ck_assert_msg(n < 0 || memcmp(head, bytes.data, (size_t)n) == 0,
		      "other bytes are shown as the first");
	source_close(source);
}
END_TEST

START_TEST(a_fifo_is_a_stream)
{
	struct bytes bytes = bytes_of("through a fifo");
	struct source *source;
	int fd;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	fd = open("fifo", O_RDWR); /* so that nobody waits at open() */
	ck_assert_int_eq(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
	source = open_path("fifo");
	close(fd);
	ck_assert(!source_is_seekable(source));
	check_read(source, bytes, 0, 100);
	source_close(source);
}
END_TEST

START_TEST(a_slice_is_a_source_of_its_own)
{
	struct bytes bytes = bytes_random(LEN, 5), part = bytes_part(bytes, 1000, 5000);
	struct bmap_error err = {0};
	struct source *slice = NULL, *inner = NULL;
	uint64_t size, offset;
	const uint8_t *head;

	write_file("f", bytes);
	OK(source_open_slice(&slice, open_path("f"), 1000, 5000, &err));
	ck_assert(source_size(slice, &size));
	ck_assert_uint_eq(size, 5000);
	ck_assert_int_ge(source_local_fd(slice, &offset), 0);
	ck_assert_uint_eq(offset, 1000);
	ck_assert_int_eq(source_peek(slice, &head, 100, &err), 100);
	ck_assert_mem_eq(head, part.data, 100);
	check_read(slice, part, 0, 5000);
	check_read(slice, part, 4990, 100);
	check_read(slice, part, 5000, 1);
	check_read(slice, part, 1 << 20, 1);
	OK(source_open_slice(&inner, slice, 100, 50, &err));
	source_local_fd(inner, &offset);
	ck_assert_uint_eq(offset, 1100);
	check_read(inner, bytes_part(part, 100, 50), 0, 100);
	source_close(inner);
}
END_TEST

START_TEST(a_cancelled_source_stays_so)
{
	struct bmap_error err = {0};
	struct source *source;
	uint8_t buf[4];

	write_file("f", bytes_of("abcd"));
	source = open_path("f");
	source_cancel(source);
	FAILS(source_pread(source, buf, 4, 0, &err), ECANCELED, "'f': cancelled");
	FAILS(source_pread(source, buf, 4, 0, &err), ECANCELED, "'f': cancelled");
	source_close(source);
}
END_TEST

static void *cancel_soon(void *opaque)
{
	usleep(30000);
	source_cancel(opaque);
	return NULL;
}

START_TEST(cancelling_wakes_who_waits)
{
	struct source *source = open_pipe(bytes_of("abc"), true);
	struct bmap_error err = {0};
	pthread_t canceller;
	uint8_t buf[10];

	pthread_create(&canceller, NULL, cancel_soon, source);
	FAILS(source_pread(source, buf, 10, 0, &err), ECANCELED, "'pipe': cancelled");
	pthread_join(canceller, NULL);
	source_close(source);
}
END_TEST

/* Seekable, like a remote file, and slow. */
static ssize_t slow_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			  struct bmap_error *err)
{
	(void)offset_bytes;
	return source_read_fd(source, *(int *)(source + 1), buf, len, err);
}

static void slow_close(struct source *source)
{
	close(*(int *)(source + 1));
	source_fini(source);
	free(source);
}

START_TEST(cancelling_a_slice_wakes_who_waits_for_the_whole)
{
	static const struct source_ops ops = {.pread = slow_pread, .close = slow_close};
	struct source *whole = calloc(1, sizeof(*whole) + sizeof(int)), *slice;
	struct bmap_error err = {0};
	pthread_t canceller;
	uint8_t buf[10];

	OK(source_init(whole, &ops, "slow", &err));
	whole->seekable = whole->has_size = true;
	whole->size_bytes = 1000;
	*(int *)(whole + 1) = pipe_of(bytes_of("abc"), true);
	OK(source_open_slice(&slice, whole, 100, 100, &err));
	alarm(20); /* rather than the test's whole time */
	pthread_create(&canceller, NULL, cancel_soon, slice);
	FAILS(source_pread(slice, buf, 10, 0, &err), ECANCELED, "'slow': cancelled");
	pthread_join(canceller, NULL);
	source_close(slice);
}
END_TEST

/* ---- clones ---- */

static struct source *clone_of(const struct source *source)
{
	struct source *clone = NULL;
	struct bmap_error err = {0};

	OK(source_clone(&clone, source, &err));
	return clone;
}

START_TEST(a_clone_reads_the_same)
{
	const struct source_options options = {.is_random = true};
	struct bytes bytes = bytes_random(LEN, 4), part = bytes_part(bytes, 1000, 5000);
	struct source *source = NULL, *slice = NULL, *clones[3];
	struct bmap_error err = {0};
	uint64_t size = 0;

	write_file("f", bytes);
	OK(source_open(&source, "f", &options, &err));
	clones[0] = clone_of(source);
	clones[1] = clone_of(clones[0]);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(source_name(clones[i]), "f");
		ck_assert_str_eq(source_identity(clones[i]), source_identity(source));
		ck_assert_int_eq(source_mtime(clones[i]), source_mtime(source));
		ck_assert(source_is_seekable(clones[i]) && source_size(clones[i], &size));
		ck_assert_uint_eq(size, LEN);
		check_read(clones[i], bytes, 200000, 1000);
		source_expect(clones[i], 100);
		check_read(clones[i], bytes, 0, 100);
		check_read(clones[i], bytes, 100, LEN);
	}
	source_close(clones[1]);
	source_close(clones[0]);
	check_read(source, bytes, 5, LEN);
	OK(source_open_slice(&slice, source, 1000, 5000, &err));
	clones[2] = clone_of(slice);
	ck_assert(source_size(clones[2], &size));
	ck_assert_uint_eq(size, 5000);
	check_read(clones[2], part, 10, 100);
	check_read(slice, part, 0, 5000);
	check_read(clones[2], part, 4990, 100);
	source_close(clones[2]);
	source_close(slice);
}
END_TEST

START_TEST(what_goes_only_forwards_has_no_clone)
{
	struct source *source = open_pipe(bytes_of("abc"), false), *clone = NULL;
	struct bmap_error err = {0};

	ck_assert_str_eq(source_identity(source), "");
	ck_assert_int_eq(source_mtime(source), 0);
	FAILS(source_clone(&clone, source, &err), ESPIPE, "'pipe'");
	ck_assert_ptr_null(clone);
	check_read(source, bytes_of("abc"), 0, 10);
	source_close(source);
}
END_TEST

START_TEST(a_clone_is_cancelled_with_its_source)
{
	struct source *source, *clones[2];
	struct bmap_error err = {0};
	uint8_t buf[4];

	write_file("f", bytes_of("abcd"));
	source = open_path("f");
	clones[0] = clone_of(source);
	clones[1] = clone_of(source);
	OK(source_pread(clones[0], buf, 4, 0, &err));
	source_cancel(source);
	for (size_t i = 0; i < 2; i++) {
		FAILS(source_pread(clones[i], buf, 4, 0, &err), ECANCELED, "'f': cancelled");
		source_close(clones[i]);
	}
	source_close(source);
}
END_TEST

/* In the place of a file comes another, or its content changes. */
START_TEST(a_clone_is_of_the_same_file)
{
	struct bytes bytes = bytes_random(LEN, 5), others = bytes_random(LEN, 6);
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};

	const struct source_options options = {.is_random = true};

	for (size_t i = 0; i < 3; i++) {
		struct source *source = NULL, *clone = NULL;
		struct bmap_error err = {0};
		uint8_t buf[100];
		ssize_t r;

		write_file("f", bytes);
		OK(source_open(&source, "f", &options, &err));
		check_read(source, bytes, 0, 10);
		if (i == 0) {
			write_file("g", others);
			ck_assert_int_eq(rename("g", "f"), 0);
		} else if (i == 1) {
			ck_assert_int_eq(unlink("f"), 0);
		} else {
			write_file("f", others);
			ck_assert_int_eq(utimensat(AT_FDCWD, "f", times, 0), 0);
		}
		r = source_clone(&clone, source, &err);
		if (r == 0)
			r = source_pread(clone, buf, 100, 5000, &err);
		ck_assert_msg(r == 100 || r == -EBADMSG, "%zu: %zd (%s)", i, r, err.message);
		ck_assert_msg(i < 2 || r < 0, "a file that changed is taken for the same");
		if (r == 100)
			ck_assert_mem_eq(buf, bytes.data + 5000, 100);
		else
			ck_assert_ptr_nonnull(strstr(err.message, "'f'"));
		source_close(clone);
		source_close(source);
		unlink("f");
	}
}
END_TEST

START_TEST(an_identity_is_of_a_content)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1234567}};
	char first[SOURCE_MAX_IDENTITY];
	struct source *source;

	write_file("f", bytes_of("abcd"));
	ck_assert_int_eq(utimensat(AT_FDCWD, "f", times, 0), 0);
	source = open_path("f");
	ck_assert_int_eq(source_mtime(source), 1234567);
	strcpy(first, source_identity(source));
	ck_assert_str_ne(first, "");
	ck_assert_ptr_null(strchr(first, '\n'));
	source_close(source);
	source = open_path("f");
	ck_assert_str_eq(source_identity(source), first);
	source_close(source);
	for (size_t i = 0; i < 2; i++) { /* another size, another date */
		write_file("f", bytes_of(i ? "abcd" : "abcde"));
		if (i == 0)
			ck_assert_int_eq(utimensat(AT_FDCWD, "f", times, 0), 0);
		source = open_path("f");
		ck_assert_str_ne(source_identity(source), first);
		source_close(source);
	}
}
END_TEST

UNIT_MAIN("source", a_file_is_read_anywhere, what_exists_is_a_file_whatever_its_name,
	  what_cannot_be_opened_says_why, peeking_uses_nothing_up,
	  peeking_a_short_source_gives_all_of_it, a_stream_only_goes_forwards,
	  peeking_further_after_reading_never_lies, a_fifo_is_a_stream,
	  a_slice_is_a_source_of_its_own, a_cancelled_source_stays_so, cancelling_wakes_who_waits,
	  cancelling_a_slice_wakes_who_waits_for_the_whole, a_clone_reads_the_same,
	  what_goes_only_forwards_has_no_clone, a_clone_is_cancelled_with_its_source,
	  a_clone_is_of_the_same_file, an_identity_is_of_a_content)
