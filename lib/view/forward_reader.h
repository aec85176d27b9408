/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image from a place on to its end, in order.  Of a gzip image it makes checkpoints on the way,
 * and may begin at one; all else is read by image_reader.h from the first byte.
 *
 * Threads: one, but for forward_reader_cancel().
 */
#ifndef VIEW_FORWARD_READER_H
#define VIEW_FORWARD_READER_H

#include "codec/gzip_index.h"
#include "image/image_parts.h"

struct forward_reader;

struct forward_options {
	const struct bmap *map;         /* NULL: everything is wanted; lent */
	struct gzip_index *checkpoints; /* of a gzip image: where they go; NULL: none are made */
	struct piece_index *learned;    /* takes the pieces that came out; NULL: nobody asks */
	const struct piece *from; /* of a gzip image: where to begin; NULL: at its first byte */
};

BMAP_MUST_CHECK int forward_reader_open(struct forward_reader **reader, struct bmap_image *image,
					const struct forward_options *options,
					struct bmap_error *err);

/* NULL is allowed. */
void forward_reader_close(struct forward_reader *reader);

/*
 * Gives the next bytes: 1; *@data is valid until the next call.  0: the image is whole, and ends at
 * *@offset_bytes.
 */
BMAP_MUST_CHECK int forward_reader_next(struct forward_reader *reader, const uint8_t **data,
					size_t *len, uint64_t *offset_bytes,
					struct bmap_error *err);

/* Of a gzip image that came to its end: how many encoded bytes it has used. */
uint64_t forward_reader_encoded_bytes(const struct forward_reader *reader);

/* Makes forward_reader_next() fail with -ECANCELED soon.  Any thread. */
void forward_reader_cancel(struct forward_reader *reader);

#endif
