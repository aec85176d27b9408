/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a copy writes to: a regular file, a block device, /dev/null.
 *
 * Threads: one at a time.
 */
#ifndef BMAP_TARGET_H
#define BMAP_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <bmap/error.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

struct bmap_target;

struct bmap_target_options {
	bool force;     /* a path under /dev that does not exist becomes a regular file */
	bool removable; /* only a removable block device will do */
};

/*
 * Opens a target without changing anything on it; a block device is held exclusively from now on,
 * and its settings are tuned for a long write until bmap_target_close().
 * -EBUSY (in use: the sentence says by whom), -ENOENT, -EISDIR, -ESPIPE (a pipe), -EACCES.
 */
BMAP_API BMAP_MUST_CHECK int bmap_target_open(struct bmap_target **target, const char *path,
					      const struct bmap_target_options *options,
					      struct bmap_error *err);

BMAP_API const char *bmap_target_name(const struct bmap_target *target);
BMAP_API bool bmap_target_is_block_device(const struct bmap_target *target);

/* Waits until all that was written has reached the medium. */
BMAP_API BMAP_MUST_CHECK int bmap_target_sync(struct bmap_target *target, struct bmap_error *err);

/*
 * Puts back what was changed in the settings of a device, has its partitions read anew when it was
 * written to, and removes a file that was made but never written to.  NULL is allowed.
 */
BMAP_API void bmap_target_close(struct bmap_target *target);

BMAP_END_DECLS

#endif
