/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kind of target provides (target_write.h). */
#ifndef TARGET_TARGET_OPS_H
#define TARGET_TARGET_OPS_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "target/target_write.h"

struct target_ops {
	/* As target_begin(); NULL: nothing to do. */
	int (*begin)(struct bmap_target *target, uint64_t size_bytes, struct bmap_error *err);
	/* As target_end(); NULL: nothing to do. */
	int (*end)(struct bmap_target *target, uint64_t size_bytes, struct bmap_error *err);
	void (*close)(struct bmap_target *target); /* frees the whole structure */
};

/* The first member of every kind's structure. */
struct bmap_target {
	const struct target_ops *ops;
	char *name;
	int fd;
	int direct_fd; /* for large aligned writes past the page cache; -1: there is none */
	bool is_block_device, needs_sync, has_capacity;
	uint64_t capacity_bytes;
	uint64_t sector_size_bytes;
	bool has_begun;
	/* Of the write-back that goes on: the stretch written last and the one before. */
	struct {
		uint64_t first_bytes, end_bytes, n_bytes;
	} window, window_before;
	_Atomic uint64_t written_bytes;
};

BMAP_MUST_CHECK int target_init(struct bmap_target *target, const struct target_ops *ops,
				const char *name, int fd, struct bmap_error *err);
void target_fini(struct bmap_target *target);

/* Regular files, and character devices as they come. */
BMAP_MUST_CHECK int target_open_file(struct bmap_target **target, const char *path,
				     const struct stat *st, struct bmap_error *err);
BMAP_MUST_CHECK int target_open_device(struct bmap_target **target, const char *path,
				       const struct stat *st, struct bmap_error *err);

/* Is the block device removable, as sysfs says?  -EINVAL with a sentence where it is not. */
BMAP_MUST_CHECK int device_check_removable(const char *path, struct bmap_error *err);

#endif
