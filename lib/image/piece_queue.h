/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces in flight: encoded bytes come in at one end, in order, several threads decode, decoded
 * bytes leave at the other end in the order of the image.
 *
 * A piece is decoded while its bytes still arrive, and leaves while it is still being decoded, so
 * pieces of any size pass in bounded memory.  The oldest piece can always get a buffer; younger
 * ones share what is left, so that a slow consumer cannot stop the piece that it waits for.
 *
 * Threads: one feeder, one consumer, any number of decoders (which piece_queue starts and joins).
 */
#ifndef IMAGE_PIECE_QUEUE_H
#define IMAGE_PIECE_QUEUE_H

#include "base/buffer_pool.h"
#include "codec/decoder.h"
#include "codec/piece_index.h"
#include "image/image_reader.h"

struct piece_queue;

/*
 * A queue that decodes with @codec on @n_threads into buffers of @pool, of which it leaves
 * @n_reserved to the oldest piece and the consumer.  @pool is lent.
 */
BMAP_MUST_CHECK int piece_queue_new(struct piece_queue **queue, const struct codec *codec,
				    const struct archive_choice *choice,
				    uint64_t decoder_memory_bytes, unsigned int n_threads,
				    struct buffer_pool *pool, size_t n_buffers, size_t n_reserved,
				    struct bmap_error *err);

/* Joins the threads; after piece_queue_stop(), or when the consumer has seen the end.  NULL is
 * allowed. */
void piece_queue_free(struct piece_queue *queue);

/* ---- the feeder; false: the queue was stopped ---- */

/* Begins a piece.  @skipped: it is left out; its length is known and counts. */
BMAP_MUST_CHECK bool piece_queue_begin(struct piece_queue *queue, const struct piece *piece,
				       bool skipped);

/* Adds encoded bytes to the piece begun last; takes a reference of @buffer of its own. */
BMAP_MUST_CHECK bool piece_queue_add(struct piece_queue *queue, struct buffer *buffer,
				     const uint8_t *data, size_t len);

/* The piece begun last is whole. */
void piece_queue_end(struct piece_queue *queue, unsigned int n_last_bits);

/* Decoded bytes that need no decoder, with their place in the image; takes @buffer. */
BMAP_MUST_CHECK bool piece_queue_add_raw(struct piece_queue *queue, struct buffer *buffer,
					 size_t len, uint64_t offset_bytes);

/* Nothing more comes; @err says why when it is set. */
void piece_queue_finish(struct piece_queue *queue, const struct bmap_error *err);

/* ---- the consumer ---- */

/* As image_reader_next(). */
BMAP_MUST_CHECK int piece_queue_next(struct piece_queue *queue, struct chunk *chunk,
				     struct bmap_error *err);

/* Adds each piece that has come out to @index, with its length; lent as long as the queue. */
void piece_queue_learn(struct piece_queue *queue, struct piece_index *index);

/* How far the image has come out. */
uint64_t piece_queue_position(const struct piece_queue *queue);

/* ---- anybody ---- */

/* Ends all waiting: piece_queue_next() fails with -ECANCELED. */
void piece_queue_stop(struct piece_queue *queue);

#endif
