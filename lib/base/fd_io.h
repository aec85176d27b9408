/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole reads and writes on file descriptors, and files replaced at once.
 *
 * Threads: any; two threads must not use the same position of one descriptor.
 */
#ifndef BASE_FD_IO_H
#define BASE_FD_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bmap/error.h"

/* Reads @len bytes, fewer only at the end of the file.  Returns the count or -errno. */
BMAP_MUST_CHECK ssize_t fd_pread_full(int fd, void *buf, size_t len, uint64_t offset_bytes);
BMAP_MUST_CHECK ssize_t fd_read_full(int fd, void *buf, size_t len);

/* Writes all of @len bytes.  Returns 0 or -errno. */
BMAP_MUST_CHECK int fd_pwrite_full(int fd, const void *buf, size_t len, uint64_t offset_bytes);
BMAP_MUST_CHECK int fd_write_full(int fd, const void *buf, size_t len);

/* Are both there, and the same file? */
bool path_is_same_file(const char *a, const char *b);

/* A file without a name in @folder, for reading and writing.  Returns fd or -errno. */
BMAP_MUST_CHECK int fd_temporary_file(const char *folder);

/* Makes the folders that @path lies in, as far as they are not there; private ones. */
void fd_make_folders(const char *path);

/* An anonymous file in memory that holds @text; children inherit it.  Returns fd or -errno. */
BMAP_MUST_CHECK int fd_memory_file(const char *name, const void *text, size_t len);

/*
 * Reads from the descriptor's position to the end, @max_len bytes at most; *@text (caller frees)
 * ends with NUL.  -EFBIG.
 */
BMAP_MUST_CHECK int fd_read_text(int fd, char **text, size_t *len, size_t max_len);

/* Writes what a file is to hold, from its beginning on.  Returns 0 or -errno. */
typedef int fd_content_writer(int fd, void *opaque);

/*
 * Writes to @path: a regular file is replaced in one step (the old one stays until the new one is
 * whole and synced; links are followed), anything else (a pipe, a terminal, /dev/null) is written
 * in place.
 */
BMAP_MUST_CHECK int fd_replace_file_by(const char *path, fd_content_writer *write, void *opaque,
				       struct bmap_error *err);

/* The same with a text from memory. */
BMAP_MUST_CHECK int fd_replace_file(const char *path, const void *text, size_t len,
				    struct bmap_error *err);

#endif
