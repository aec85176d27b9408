/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Child processes: other programs run without a shell.
 *
 * Threads: any; a `struct child` belongs to one thread.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "bmap/error.h"

struct child;

/*
 * Starts argv[0] (looked for in PATH) with its standard output on a pipe, its standard error
 * kept for child_close(), and its standard input from /dev/null.  @env_extra ("NAME=value", or
 * NULL) is added to the environment.  Descriptors without close-on-exec are inherited.
 * -ENOENT: there is no such program.
 */
BMAP_MUST_CHECK int child_open(struct child **child, const char *const *argv, const char *env_extra,
			       struct bmap_error *err);

/* The reading end of its standard output; lent. */
int child_stdout(const struct child *child);

/*
 * Ends the child: waits for it, or kills it first when its output was not read to the end
 * (@kill_first).  Frees @child.  *@exit_status is as in the shell: 128 + N for signal N.
 * *@stderr_text gets what it said (64 KiB at most; the caller frees it; NULL when out of memory).
 * Both may be NULL.
 */
void child_close(struct child *child, int kill_first, int *exit_status, char **stderr_text);

/*
 * Runs a program to its end.  *@stdout_text (caller frees, ends with NUL) may be at most
 * @max_stdout_len long; -EFBIG when it is longer.
 */
BMAP_MUST_CHECK int child_run(const char *const *argv, size_t max_stdout_len, char **stdout_text,
			      size_t *stdout_len, char **stderr_text, int *exit_status,
			      struct bmap_error *err);

#endif
