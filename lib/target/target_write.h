/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the jobs write to a target (bmap/target.h).
 *
 * Writes go out steadily: what was written is on its way to the medium a few MiB later, so that the
 * last sync is short and the progress is true.
 * Threads: one at a time, but for target_written_bytes().
 */
#ifndef TARGET_TARGET_WRITE_H
#define TARGET_TARGET_WRITE_H

#include "bmap/target.h"

#define TARGET_SIZE_UNKNOWN UINT64_MAX

/* Is there room for an image of @size_bytes?  -ENOSPC with a sentence that names @image. */
BMAP_MUST_CHECK int target_check_size(const struct bmap_target *target, uint64_t size_bytes,
				      const char *image, struct bmap_error *err);

/*
 * The first write is about to come: a regular file is emptied and given its size (when that is not
 * TARGET_SIZE_UNKNOWN).  From here on the target is changed.
 */
BMAP_MUST_CHECK int target_begin(struct bmap_target *target, uint64_t size_bytes,
				 struct bmap_error *err);

BMAP_MUST_CHECK int target_write(struct bmap_target *target, const void *data, uint64_t len_bytes,
				 uint64_t offset_bytes, struct bmap_error *err);

/*
 * Shares the bytes of a local file with the target instead of writing them (FICLONERANGE).
 * -EOPNOTSUPP: these two cannot share; nothing was done.
 */
BMAP_MUST_CHECK int target_clone(struct bmap_target *target, int fd, uint64_t fd_offset_bytes,
				 uint64_t len_bytes, uint64_t offset_bytes);

/* The last write has come; the image has @size_bytes. */
BMAP_MUST_CHECK int target_end(struct bmap_target *target, uint64_t size_bytes,
			       struct bmap_error *err);

/* Bytes that have left for the medium.  Any thread. */
uint64_t target_written_bytes(const struct bmap_target *target);

/* Was target_begin() called: is anything changed? */
bool target_has_begun(const struct bmap_target *target);

/* Do holes that are not written read as zeros once the target has its size? */
bool target_is_born_zero(const struct bmap_target *target);

#endif
