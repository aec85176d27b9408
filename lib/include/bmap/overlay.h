/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view that can be written to: what is written goes into a file of its own, and is read from
 * there afterwards; the image stays as it is.
 *
 * The file is sparse and as long as the image.  FILE.blocks beside it says which of its blocks
 * count. What was written survives the end of the program however it ends; what was synced survives
 * the end of the machine.  Threads: any.
 */
#ifndef BMAP_OVERLAY_H
#define BMAP_OVERLAY_H

#include <bmap/view.h>

BMAP_BEGIN_DECLS

struct bmap_overlay;

/*
 * Opens or makes the overlay @path of @view (lent).  -EBUSY: another process has it, -EBADMSG: it
 * is of another image, -EPROTO: it is no overlay.
 */
BMAP_API BMAP_MUST_CHECK int bmap_overlay_open(struct bmap_overlay **overlay,
					       struct bmap_view *view, const char *path,
					       struct bmap_error *err);

/* Syncs and closes; NULL is allowed. */
BMAP_API void bmap_overlay_close(struct bmap_overlay *overlay);

/* As bmap_view_pread(). */
BMAP_API BMAP_MUST_CHECK ssize_t bmap_overlay_pread(struct bmap_overlay *overlay, void *buf,
						    size_t len, uint64_t offset_bytes,
						    struct bmap_error *err);

/* Writes all of @len bytes, which lie within the image (-EFBIG). */
BMAP_API BMAP_MUST_CHECK int bmap_overlay_pwrite(struct bmap_overlay *overlay, const void *buf,
						 size_t len, uint64_t offset_bytes,
						 struct bmap_error *err);

BMAP_API BMAP_MUST_CHECK int bmap_overlay_sync(struct bmap_overlay *overlay,
					       struct bmap_error *err);

/* As bmap_view_find_data() and bmap_view_find_hole(). */
BMAP_API bool bmap_overlay_find_data(struct bmap_overlay *overlay, uint64_t offset_bytes,
				     uint64_t *data_bytes);
BMAP_API bool bmap_overlay_find_hole(struct bmap_overlay *overlay, uint64_t offset_bytes,
				     uint64_t *hole_bytes);

/* Bytes that are data: mapped ones, and written ones that were not mapped. */
BMAP_API uint64_t bmap_overlay_data_bytes(struct bmap_overlay *overlay);

BMAP_END_DECLS

#endif
