/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that breaks, for LD_PRELOAD: after FAIL_AFTER calls that write to files (pwrite, fallocate
 * and their kin) each further one is EIO; with FAIL_ON=FOLDER only those to FOLDER's filesystem.
 * How many calls there were, and how many of them failed, is in the file FAIL_COUNT at the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long n_calls, n_failed;
static long fail_after = -1;
static bool is_on_all = true;
static dev_t device;

__attribute__((constructor)) static void start(void)
{
	const char *after = getenv("FAIL_AFTER"), *on = getenv("FAIL_ON");
	struct stat st;

	if (after)
		fail_after = atol(after);
	if (on && stat(on, &st) == 0) {
		is_on_all = false;
		device = st.st_dev;
	}
}

/* The shell that starts the program has this in it, too; it makes no such calls. */
__attribute__((destructor)) static void end(void)
{
	const char *name = getenv("FAIL_COUNT");
	FILE *file = name && n_calls ? fopen(name, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%ld %ld\n", (long)n_calls, (long)n_failed);
	fclose(file);
}

static bool fails(int fd)
{
	long n = atomic_fetch_add(&n_calls, 1);
	struct stat st;

	if (fail_after < 0 || n < fail_after)
		return false;
	if (!is_on_all && (fstat(fd, &st) < 0 || st.st_dev != device))
		return false;
	atomic_fetch_add(&n_failed, 1);
	errno = EIO;
	return true;
}

/* A function that stands before the C library's of the same name. */
#define FAILING(type, name, parameters, fd, ...) \
	type name parameters \
	{ \
		type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
\
		return fails(fd) ? -1 : real(__VA_ARGS__); \
	}

FAILING(ssize_t, pwrite, (int fd, const void *buf, size_t len, off_t at), fd, fd, buf, len, at)
FAILING(ssize_t, pwrite64, (int fd, const void *buf, size_t len, off64_t at), fd, fd, buf, len, at)
FAILING(ssize_t, pwritev, (int fd, const struct iovec *parts, int n, off_t at), fd, fd, parts, n,
	at)
FAILING(ssize_t, pwritev64, (int fd, const struct iovec *parts, int n, off64_t at), fd, fd, parts,
	n, at)
FAILING(int, fallocate, (int fd, int mode, off_t at, off_t len), fd, fd, mode, at, len)
FAILING(int, fallocate64, (int fd, int mode, off64_t at, off64_t len), fd, fd, mode, at, len)
FAILING(ssize_t, copy_file_range,
	(int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned int flags), to,
	from, from_at, to, to_at, len, flags)
