/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Splitters find the borders of pieces in encoded bytes as they arrive, so that input that can only
 * be read forwards is decoded on several threads as well.
 *
 * Threads: one.
 */
#ifndef CODEC_SPLITTER_H
#define CODEC_SPLITTER_H

#include "codec/decoder.h"
#include "codec/piece.h"

struct splitter;

/* A splitter never needs to see more bytes than this at once. */
#define SPLITTER_LOOKAHEAD (64 << 10)

BMAP_MUST_CHECK int splitter_new(struct splitter **splitter, const struct codec *codec,
				 struct bmap_error *err);
void splitter_free(struct splitter *splitter);

/*
 * Says what the first of @len encoded bytes are; @end: the input ends behind them.  split->n_used 0
 * without a beginning or end asks to be called again with these and more bytes, or, at the end,
 * says that all is well. -EBADMSG, -ENODATA, -EOPNOTSUPP.
 */
BMAP_MUST_CHECK int splitter_next(struct splitter *splitter, const uint8_t *in, size_t len,
				  bool end, struct split *split, struct bmap_error *err);

#endif
