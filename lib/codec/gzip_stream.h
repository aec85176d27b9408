/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A gzip file (RFC 1952, members behind each other) that can be begun in the middle, and says
 * where: at the borders of deflate blocks, given the 32 KiB of the image before.
 *
 * Threads: one.
 */
#ifndef CODEC_GZIP_STREAM_H
#define CODEC_GZIP_STREAM_H

#include "codec/decoder.h"
#include "codec/inflater.h"

#define GZIP_WINDOW_LEN INFLATER_WINDOW_LEN

struct gzip_stream;

/* A place where decoding can begin, in the terms of zlib's zran.c and of GZIDX files. */
struct gzip_border {
	uint64_t encoded_offset_bytes; /* of the first byte all of which is still to come */
	unsigned int n_bits; /* of the byte before it, the highest ones, which come first */
	uint64_t image_offset_bytes;
};

/*
 * Told of a border that was wanted.  gzip_stream_window() and gzip_stream_want_border() may be
 * called meanwhile, and nothing else.  Negative results end gzip_stream_run().
 */
typedef int gzip_border_taker(void *opaque, const struct gzip_border *border,
			      struct bmap_error *err);

BMAP_MUST_CHECK int gzip_stream_new(struct gzip_stream **stream, struct bmap_error *err);
void gzip_stream_free(struct gzip_stream *stream);

/*
 * From now on the input is that of @piece, a checkpoint (lent), or with NULL that of a file from
 * its first byte.  Offsets of borders count from the piece's offsets, or from 0.
 */
void gzip_stream_start(struct gzip_stream *stream, const struct piece *piece);

/*
 * The next border at or behind this offset will be told; once, and it may be a later one: not all
 * are seen.
 */
void gzip_stream_want_border(struct gzip_stream *stream, uint64_t image_offset_bytes);

/*
 * As decoder_run() for a whole stream: any number of members.  @take hears of the border that is
 * wanted; without one it may be NULL.
 */
BMAP_MUST_CHECK int gzip_stream_run(struct gzip_stream *stream, struct decoder_io *io,
				    gzip_border_taker *take, void *opaque, struct bmap_error *err);

/* The bytes before the border, GZIP_WINDOW_LEN of them; false: it needs none. */
bool gzip_stream_window(const struct gzip_stream *stream, uint8_t *window);

#endif
