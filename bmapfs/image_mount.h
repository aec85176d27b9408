/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A view as a mounted file system: over a folder the image and its map, over a regular file the
 * image itself.
 *
 * Threads: one.
 */
#ifndef BMAPFS_IMAGE_MOUNT_H
#define BMAPFS_IMAGE_MOUNT_H

#include <sys/stat.h>

#include "bmap/trace.h"
#include "bmap/view.h"
#include "session.h"

struct image_mount {
	struct bmap_view *view;
	struct bmap_overlay *overlay; /* NULL: it cannot be written to */
	struct bmap_trace *trace;     /* held, for what is read; NULL: nobody wants to know */
	const char *name;             /* of the image, in the folder */
	const char *map_text;         /* NULL: there is no map */
	size_t map_len;
	mode_t root_mode; /* S_IFDIR or S_IFREG: what it is mounted over */
};

BMAP_MUST_CHECK int image_mount_run(struct image_mount *mount,
				    const struct session_options *options, struct daemon *daemon,
				    struct bmap_error *err);

#endif
