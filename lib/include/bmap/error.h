/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a call of libbmap says when it fails.
 *
 * Every function that can fail returns 0 (or a count) or a negative errno, and
 * writes one sentence for the user into the `struct bmap_error` that the caller
 * passes last.  The first cause wins: a second failure, during clean-up, does not
 * cover it.  Meanings of the codes that are not plain system errors:
 *
 *   EINVAL      the caller's mistake
 *   EPROTO      a file or a reply breaks its format
 *   EBADMSG     data contradicts its checksum, or will not decode
 *   ENODATA     the source ended early
 *   EOVERFLOW   a number is too large
 *   EOPNOTSUPP  known, but not in this build, or too new
 *   ENOSPC      the target is too small
 *   EBUSY       the target is in use
 *   ECANCELED   stopped because somebody asked for it, or because of another failure
 *
 * Threads: a `struct bmap_error` belongs to one thread at a time.
 */
#ifndef BMAP_ERROR_H
#define BMAP_ERROR_H

#include <bmap/macros.h>

BMAP_BEGIN_DECLS

struct bmap_error {
	int code;          /* errno value (> 0); 0 while nothing has failed */
	char message[512]; /* one sentence for the user, without newline */
};

/*
 * Sets @err to @code and the formatted sentence, unless it is set already.
 * Returns -err->code, so that a failure is one line: return bmap_error_set(...).
 */
BMAP_API int bmap_error_set(struct bmap_error *err, int code, const char *format, ...)
	BMAP_PRINTF(3, 4);

/* The same with ": " and the system's text for @code behind the sentence. */
BMAP_API int bmap_error_set_system(struct bmap_error *err, int code, const char *format, ...)
	BMAP_PRINTF(3, 4);

/* Puts the formatted text and ": " before the sentence in @err.  Returns -err->code. */
BMAP_API int bmap_error_prefix(struct bmap_error *err, const char *format, ...) BMAP_PRINTF(2, 3);

BMAP_END_DECLS

#endif
