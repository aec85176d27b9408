/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decoded pieces in memory, in bounded size: the least recently used goes first, and each is
 * decoded once however many readers wait for it.
 *
 * Threads: any.
 */
#ifndef CODEC_PIECE_CACHE_H
#define CODEC_PIECE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"

struct piece_cache;
struct cached_piece;

/*
 * Decodes @piece into @data.  @read_on_to is where in the encoded bytes the caller will probably go
 * on to (0: nowhere).  No lock is held.
 */
typedef int piece_loader(void *opaque, size_t piece, uint8_t *data, size_t len_bytes,
			 uint64_t read_on_to, struct bmap_error *err);

/* NULL when out of memory.  One piece is kept even when it is larger than @max_bytes. */
struct piece_cache *piece_cache_new(uint64_t max_bytes, piece_loader *load, void *opaque);

/* Nobody uses a piece any more.  NULL is allowed. */
void piece_cache_free(struct piece_cache *cache);

/*
 * Pins a piece, decoding it first where that is needed; the caller unpins it, and pins no other
 * before.  -ECANCELED, or what the loader said.
 */
BMAP_MUST_CHECK int piece_cache_get(struct piece_cache *cache, size_t piece, size_t len_bytes,
				    struct cached_piece **cached, struct bmap_error *err);

/* Pins a piece that is there; NULL: it is not. */
struct cached_piece *piece_cache_find(struct piece_cache *cache, size_t piece);

const uint8_t *cached_piece_data(const struct cached_piece *cached);
void piece_cache_unpin(struct piece_cache *cache, struct cached_piece *cached);

/*
 * Takes a piece to be decoded in advance: whoever wants it waits from now on.  NULL: it is there
 * already, or there is no room without dropping what is in use.  piece_cache_load() has to follow.
 */
struct cached_piece *piece_cache_claim(struct piece_cache *cache, size_t piece, size_t len_bytes,
				       bool *is_full);

/* Decodes a claimed piece; its failure is met by whoever waits for it. */
void piece_cache_load(struct piece_cache *cache, struct cached_piece *cached, uint64_t read_on_to);

/* From now on nothing is decoded and nobody waits: -ECANCELED. */
void piece_cache_cancel(struct piece_cache *cache);

/* What the pieces take now. */
uint64_t piece_cache_used_bytes(struct piece_cache *cache);

/* How often a piece was there when it was wanted. */
uint64_t piece_cache_hits(struct piece_cache *cache);

#endif
