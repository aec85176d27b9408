/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The piece index: which encoded bytes hold which bytes of the image.  Pieces are in the order of
 * the image and leave no gap.  Threads: constant once made.
 */
#ifndef CODEC_PIECE_INDEX_H
#define CODEC_PIECE_INDEX_H

#include "bmap/error.h"
#include "codec/piece.h"

/* No image is cut into more pieces: it would be a hostile index. */
#define PIECE_INDEX_MAX_PIECES (16 << 20)

struct piece_index {
	struct piece *pieces;
	size_t n_pieces, capacity;
};

/*
 * Adds the piece behind the last one; its place in the image is that one's end.  -EOVERFLOW: the
 * image would be too large, -EPROTO: too many pieces.
 */
BMAP_MUST_CHECK int piece_index_add(struct piece_index *index, const struct piece *piece,
				    struct bmap_error *err);
/* Where the last piece ends in the image. */
uint64_t piece_index_end(const struct piece_index *index);

/* The piece that holds byte @offset_bytes (< piece_index_end()) of the image. */
size_t piece_index_find(const struct piece_index *index, uint64_t offset_bytes);

void piece_index_fini(struct piece_index *index);

#endif
