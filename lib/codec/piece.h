/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The piece: the least stretch of an image that can be decoded on its own.  An xz block, a zstd
 * frame, an lz4 frame or block, a bzip2 block, the run between two gzip checkpoints; or, where a
 * format has no such thing, the whole rest of the stream.
 */
#ifndef CODEC_PIECE_H
#define CODEC_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECE_LEN_UNKNOWN UINT64_MAX

struct piece {
	bool is_rest;             /* not a single piece: everything from here to the end */
	uint64_t image_len_bytes; /* PIECE_LEN_UNKNOWN when the format does not say */
	uint64_t window_bytes;    /* what decoding it takes of memory, as far as that is known */
	/* xz: the stream's check; bzip2: the level; lz4: what a block's frame says of it; 0: a
	 * frame */
	unsigned int param;
	/* bzip2, gzip: bits of the first byte that belong to the piece before */
	unsigned int first_bit;
	unsigned int n_last_bits; /* bzip2: bits of the last byte that belong to it; 0: all */

	/* Known only of pieces in an index: */
	uint64_t image_offset_bytes;
	uint64_t encoded_offset_bytes, encoded_len_bytes;
	bool is_checkpoint; /* gzip: it begins in the middle of a member, */
	/* with the GZIP_WINDOW_LEN bytes of the image before it; NULL: nothing before it is used */
	const uint8_t *window;
};

/* What a splitter says of the next encoded bytes. */
struct split {
	struct piece piece;       /* when @begins */
	bool begins;              /* they begin a piece */
	bool ends;                /* the piece ends with them */
	unsigned int n_last_bits; /* when @ends: see struct piece */
	size_t n_bytes;           /* so many of them belong to the piece; 0: to none */
	size_t n_used; /* so many are done with; fewer than @n_bytes where pieces share a byte */
};

#endif
