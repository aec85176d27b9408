/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the pieces of an image are, from wherever that can be learned: the file itself, an index
 * that lies beside it (IMAGE.gzidx), or one that was made and kept before.
 *
 * Threads: one; constant once found.
 */
#ifndef VIEW_IMAGE_INDEX_H
#define VIEW_IMAGE_INDEX_H

#include "bmap/view.h"
#include "codec/gzip_index.h"
#include "codec/piece_index.h"
#include "image/image_parts.h"

struct image_index {
	struct piece_index pieces; /* of the image's beginning, or of all of it */
	bool is_whole;
	struct piece rest; /* a gzip image that is not whole: how to go on behind the pieces */
	bool has_rest;
	struct gzip_index *gzip; /* holds the pieces' windows; NULL: there are none */
	char *kept_path;         /* where an index of this image is kept; NULL: nowhere */
};

/*
 * Looks for the pieces of @image; none are found where index->pieces is empty.  @image_size_bytes
 * is PIECE_LEN_UNKNOWN when it is not known.  An index that is damaged or of another file is left
 * alone, with a warning.
 */
BMAP_MUST_CHECK int image_index_find(struct image_index *index, struct bmap_image *image,
				     const char *location, uint64_t image_size_bytes,
				     const struct bmap_view_options *options,
				     struct bmap_error *err);
void image_index_fini(struct image_index *index);

/* Where temporary files go: the option, the cache's folder, $TMPDIR, /var/tmp.  Lent. */
const char *view_temporary_folder(const struct bmap_view_options *options);

/* Keeps the pieces of an image that was decoded to its end. */
void image_index_keep_pieces(const struct image_index *index, const struct piece_index *pieces,
			     const struct bmap_image *image);

/* Keeps the checkpoints of a gzip image; @image_size_bytes 0: it was not decoded to its end. */
void image_index_keep(const struct image_index *index, const struct gzip_index *checkpoints,
		      uint64_t encoded_size, uint64_t image_size_bytes);

#endif
