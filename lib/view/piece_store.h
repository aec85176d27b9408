/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image read piece by piece, anywhere: a read decodes the pieces that it touches, those that
 * follow are decoded in advance when reads come in order.
 *
 * Pieces that are too large for memory are decoded into a temporary file, once.  Others may be
 * decoded again; they must give the same bytes then as the first time, or nothing.
 *
 * Threads: any.
 */
#ifndef VIEW_PIECE_STORE_H
#define VIEW_PIECE_STORE_H

#include "bmap/bmap.h"
#include "codec/piece_cache.h"
#include "codec/piece_index.h"
#include "source/source_pool.h"

struct codec;
struct piece_store;

struct piece_store_options {
	struct source_pool *pool;        /* of the encoded bytes; lent */
	const struct codec *codec;       /* NULL: they are the image */
	const struct piece_index *index; /* lent; NULL without a codec: any stretch is a piece */
	const struct bmap *map;          /* what is wanted; NULL: everything; lent */
	uint64_t size_bytes;             /* of the image */
	uint64_t memory_bytes;           /* for decoded pieces */
	uint64_t decoder_memory_bytes;
	unsigned int n_threads; /* that decode in advance */
	bool is_verified;       /* somebody compares what is read: it must not change afterwards */
	const char *folder;     /* of the temporary file; lent */
	const char *name;       /* of the image, for sentences; lent */
	_Atomic uint64_t *decoded_bytes; /* counts */
};

BMAP_MUST_CHECK int piece_store_new(struct piece_store **store,
				    const struct piece_store_options *options,
				    struct bmap_error *err);

/* Nobody reads.  NULL is allowed. */
void piece_store_free(struct piece_store *store);

size_t piece_store_n_pieces(const struct piece_store *store);
uint64_t piece_store_hits(struct piece_store *store);

/*
 * Reads mapped bytes.  -EBADMSG, -ENODATA, -EPROTO (a piece holds more or less than its index
 * says), and what the source says.
 */
BMAP_MUST_CHECK int piece_store_pread(struct piece_store *store, uint8_t *buf, size_t len,
				      uint64_t offset_bytes, struct bmap_error *err);

/* Says that a reader has read these bytes: when it reads in order, more is decoded in advance. */
void piece_store_note_read(struct piece_store *store, uint64_t offset_bytes, size_t len);

/*
 * Decodes in advance what lies in [offset, end), as far as there is room, and no further before a
 * reader at @reader_bytes than half of the memory.  Returns where to go on later.
 */
uint64_t piece_store_read_ahead(struct piece_store *store, uint64_t reader_bytes,
				uint64_t offset_bytes, uint64_t end_bytes);

/*
 * The bytes of the piece at @offset_bytes when they are in memory, to be unpinned; *@len from there
 * to its end.  NULL: they are not.
 */
struct cached_piece *piece_store_peek(struct piece_store *store, uint64_t offset_bytes,
				      const uint8_t **data, size_t *len);
void piece_store_unpin(struct piece_store *store, struct cached_piece *cached);

/* Ends all waiting for room and pieces. */
void piece_store_cancel(struct piece_store *store);

#endif
