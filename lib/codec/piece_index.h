/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The piece index: which encoded bytes hold which bytes of the image.  Pieces are in the order of
 * the image and leave no gap.  Threads: constant once made.
 */
#ifndef CODEC_PIECE_INDEX_H
#define CODEC_PIECE_INDEX_H

#include "bmap/error.h"
#include "codec/piece.h"

struct piece_index {
	struct piece *pieces;
	size_t n_pieces, capacity;
};

BMAP_MUST_CHECK int piece_index_add(struct piece_index *index, const struct piece *piece,
				    struct bmap_error *err);
void piece_index_fini(struct piece_index *index);

#endif
