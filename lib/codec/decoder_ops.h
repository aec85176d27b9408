/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a codec provides; one table lists them all (decoder_table.c). */
#ifndef CODEC_DECODER_OPS_H
#define CODEC_DECODER_OPS_H

#include "codec/decoder.h"
#include "codec/piece.h"
#include "codec/piece_index.h"
#include "source/source.h"

/* What decode() returns besides a negative errno. */
enum { DECODE_MORE = 0, DECODE_MEMBER_END = 1 };

struct decoder {
	const struct codec *codec;
	const struct piece *piece; /* NULL: a whole stream, of any number of members */
	uint64_t max_memory_bytes;
	void *state; /* the codec's own */
	bool is_between_members;
	uint64_t n_members, member_out_bytes;
	struct archive_choice choice; /* of an archive that is a codec: zip */
};

/* Finds the borders of pieces as bytes arrive.  The state is zeroed memory of @state_size. */
struct splitter_ops {
	size_t state_size;
	/*
	 * Looks at the next bytes.  split->n_used 0 asks for more of them (never more than
	 * SPLITTER_LOOKAHEAD), or says at the @end that all is well.
	 */
	int (*split)(void *state, const uint8_t *in, size_t len, bool end, struct split *split,
		     struct bmap_error *err);
	void (*stop)(void *state); /* NULL: nothing to give back */
};

struct codec {
	const char *name;
	bool (*matches)(const uint8_t *head, size_t len);
	/* Makes decoder->state, or makes it ready for another member or piece. */
	int (*start)(struct decoder *decoder, struct bmap_error *err);
	/* Decodes as much as input and room for output allow. */
	int (*decode)(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err);
	void (*stop)(struct decoder *decoder);
	const struct splitter_ops *splitter; /* NULL: a stream is one piece */
	/*
	 * Finds the pieces of a seekable source without decoding them.  @image_size_bytes is what
	 * the image is known to be long (PIECE_LEN_UNKNOWN: it is not).  -EOPNOTSUPP: this file
	 * does not say where they are; pieces that were added before a failure are the caller's to
	 * drop.  NULL: no file of the format does.
	 */
	int (*index)(struct source *source, uint64_t image_size_bytes, struct piece_index *index,
		     struct bmap_error *err);
	/* The format itself has the index: whoever decodes by it checks all that a stream checks.
	 */
	bool has_own_index;
};

#endif
