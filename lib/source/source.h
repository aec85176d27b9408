/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A source: encoded bytes at an offset, wherever they are.
 *
 * Locations: a path; "-" for standard input; http, https, ftp, sftp and scp URLs (libcurl);
 * ssh://[user[:password]@]host[:port]/path (runs ssh); file URLs.  What exists as a local file is a
 * local file, whatever it looks like.
 *
 * Threads: one thread at a time, but for source_cancel() and source_clone().
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bmap/error.h"

struct source;

struct source_options {
	unsigned int n_retries; /* new tries after a transfer broke without getting further */
	bool is_verified;       /* the bytes will be compared with checksums by somebody */
	/*
	 * It will be read here and there, and be cloned: a remote source is asked for its first
	 * bytes only, and then for what is read and no more.
	 */
	bool is_random;
	unsigned int timeout_sec; /* after which silence is a failure; 0: 30 */
	_Atomic uint64_t
		*fetched_bytes; /* counts the bytes that came from afar; NULL: nobody asks */
	/* A folder where the bytes of a remote source are kept from one run to the next; NULL:
	 * nowhere. */
	const char *cache_folder;
	uint64_t cache_bytes; /* that it may hold; 0: no limit */
};

/*
 * Opens a source.  A remote one is asked for at once: one request.  -ENOENT: there is no such file,
 * here or there; -EACCES: we may not read it.
 */
BMAP_MUST_CHECK int source_open(struct source **source, const char *location,
				const struct source_options *options, struct bmap_error *err);

/* The bytes [offset, offset + len) of another source, which must be seekable; takes @whole. */
BMAP_MUST_CHECK int source_open_slice(struct source **source, struct source *whole,
				      uint64_t offset_bytes, uint64_t len_bytes,
				      struct bmap_error *err);

/*
 * Another reader of the same source, for another thread: it is the same file, or reading fails with
 * -EBADMSG.  Nothing is asked of a server before the first read.  The clone is cancelled with
 * @source, which must outlive it.  -ESPIPE: it is not seekable.
 */
BMAP_MUST_CHECK int source_clone(struct source **clone, const struct source *source,
				 struct bmap_error *err);

/* NULL is allowed. */
void source_close(struct source *source);
void source_closep(struct source **source);

/* What to call it in a sentence: the location without a password. */
const char *source_name(const struct source *source);

/* false: the size is not known before the end. */
bool source_size(const struct source *source, uint64_t *size_bytes);

/* When it was last changed, in seconds since 1970; 0: nobody says. */
int64_t source_mtime(const struct source *source);

/*
 * What tells this content from another at the same location: ETag or date, and size.  "": nothing
 * does.
 */
const char *source_identity(const struct source *source);

/* true: any offset can be read at any time; false: only forwards. */
bool source_is_seekable(const struct source *source);

/* The descriptor of a local regular file or block device, with its offset in it; -1: it is none. */
int source_local_fd(const struct source *source, uint64_t *offset_bytes);

/*
 * Reads @len bytes at @offset_bytes; fewer only at the end.  A source that is not seekable skips
 * what lies before the offset, and cannot go back behind what was read (-ESPIPE) except over
 * what source_peek() showed.  Returns the count.
 */
BMAP_MUST_CHECK ssize_t source_pread(struct source *source, void *buf, size_t len,
				     uint64_t offset_bytes, struct bmap_error *err);

/*
 * The same, but of a pipe or the like it gives what is there as soon as there is anything, so that
 * a slow writer does not hide what has come.  0 only at the end.
 */
BMAP_MUST_CHECK ssize_t source_pread_some(struct source *source, void *buf, size_t len,
					  uint64_t offset_bytes, struct bmap_error *err);

/* A jump forwards over fewer bytes than this is read over by a remote source. */
#define SOURCE_SHORT_JUMP_BYTES (1 << 20)

/*
 * Says that reads will go on from where they are to @end_bytes at most, and then jump: a remote
 * source asks for no more than that.  Only a hint.
 */
void source_expect(struct source *source, uint64_t end_bytes);

/*
 * Shows the first @len bytes (fewer when the source is shorter) without using them up.  *@head is
 * valid until the next call.  Returns the count.
 */
BMAP_MUST_CHECK ssize_t source_peek(struct source *source, const uint8_t **head, size_t len,
				    struct bmap_error *err);

/* Makes a source_pread() that waits, and all later ones, fail with -ECANCELED.  Any thread. */
void source_cancel(struct source *source);

/* Does @location name something that is not a local file? */
bool source_location_is_remote(const char *location);

#endif
