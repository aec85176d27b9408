/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of an image from its first byte to its last, in chunks, in order: the first stages of
 * every job.  Inside, one thread reads the source and finds the pieces, several decode them.
 *
 * What is not mapped need not come: pieces in holes are not decoded, and a source that can be read
 * anywhere is not read there.  Chunks may hold unmapped bytes all the same, whose values mean
 * nothing (but see zero_holes).
 *
 * Memory: the buffers of two pools, for encoded and for decoded bytes, and the decoders' windows.
 * Threads: one, but for image_reader_cancel().
 */
#ifndef IMAGE_IMAGE_READER_H
#define IMAGE_IMAGE_READER_H

#include "base/buffer_pool.h"
#include "codec/piece_index.h"
#include "image/image_parts.h"

struct image_reader;

/* Bytes of the image; whoever gets one owns a reference of its buffer. */
struct chunk {
	struct buffer *buffer; /* NULL: the data lives as long as the reader */
	const uint8_t *data;
	size_t len;
	uint64_t offset_bytes;
};

void chunk_fini(struct chunk *chunk);

struct image_reader_options {
	const struct bmap *wanted;   /* NULL: everything; lent as long as the reader */
	bool may_skip;               /* pieces outside of it need not be decoded to be checked */
	bool zero_holes;             /* what is not wanted comes as zeros where it comes at all */
	struct piece_index *learned; /* takes the pieces that came out; lent; NULL: nobody asks */
};

/* How many chunks a consumer may keep while it asks for more. */
#define IMAGE_READER_MAX_KEPT 8

BMAP_MUST_CHECK int image_reader_open(struct image_reader **reader, struct bmap_image *image,
				      const struct image_reader_options *options,
				      struct bmap_error *err);

/* Waits for the next chunk: 1.  0: the image is whole.  -ENODATA, -EBADMSG, -ECANCELED... */
BMAP_MUST_CHECK int image_reader_next(struct image_reader *reader, struct chunk *chunk,
				      struct bmap_error *err);

/* The size of the image, once image_reader_next() has returned 0. */
uint64_t image_reader_image_size(const struct image_reader *reader);

/* The size of the chunks at most. */
size_t image_reader_chunk_len(const struct image_reader *reader);

/* The map that lay in the archive before or behind the image; NULL: none was seen.  Lent. */
const char *image_reader_map_inside(const struct image_reader *reader, size_t *len,
				    const char **name);

/* Makes image_reader_next() fail with -ECANCELED soon.  Any thread. */
void image_reader_cancel(struct image_reader *reader);

/* Stops and joins all threads; all chunks must have been given back.  NULL is allowed. */
void image_reader_close(struct image_reader *reader);

#endif
