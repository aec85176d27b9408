/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A gzip file (RFC 1952, members behind each other) decoded by zlib so that it can be begun in the
 * middle, and says where: at the borders of deflate blocks, given the 32 KiB of the image before.
 * The inflater (inflater.h) is faster, but knows no borders.
 *
 * Threads: one.
 */
#ifndef CODEC_GZIP_STREAM_H
#define CODEC_GZIP_STREAM_H

#include "codec/decoder.h"

#define GZIP_WINDOW_LEN 32768

struct gzip_stream;

/* A place where decoding can begin, in the terms of zlib's zran.c and of GZIDX files. */
struct gzip_border {
	uint64_t encoded_offset_bytes; /* of the first byte all of which is still to come */
	unsigned int n_bits; /* of the byte before it, the highest ones, which come first */
	uint64_t image_offset_bytes;
};

/*
 * Told of each border.  gzip_stream_window() may be called meanwhile, and nothing else.  Negative
 * results end gzip_stream_run().
 */
typedef int gzip_border_taker(void *opaque, const struct gzip_border *border,
			      struct bmap_error *err);

BMAP_MUST_CHECK int gzip_stream_new(struct gzip_stream **stream, struct bmap_error *err);
void gzip_stream_free(struct gzip_stream *stream);

/*
 * From now on the input is that of @piece, a checkpoint, or with NULL that of a file from its first
 * byte.  Offsets of borders count from the piece's offsets, or from 0.
 */
BMAP_MUST_CHECK int gzip_stream_start(struct gzip_stream *stream, const struct piece *piece,
				      struct bmap_error *err);

/*
 * As decoder_run() for a whole stream: any number of members.  @take (NULL: nobody) hears of the
 * borders.
 */
BMAP_MUST_CHECK int gzip_stream_run(struct gzip_stream *stream, struct decoder_io *io,
				    gzip_border_taker *take, void *opaque, struct bmap_error *err);

/* The bytes before the border, GZIP_WINDOW_LEN of them; false: it needs none. */
bool gzip_stream_window(struct gzip_stream *stream, uint8_t *window);

#endif
