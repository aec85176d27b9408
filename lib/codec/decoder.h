/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decoders: encoded bytes in, image bytes out, in bounded memory.
 *
 * Threads: a codec is constant; a decoder belongs to one thread at a time.
 */
#ifndef CODEC_DECODER_H
#define CODEC_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"
#include "codec/piece.h"

struct codec;
struct decoder;

/* Where to read from and write to; decoder_run() moves all of it forwards. */
struct decoder_io {
	const uint8_t *in;
	size_t in_left;
	bool in_end; /* nothing comes behind in_left */
	uint8_t *out;
	size_t out_left;
};

/* So many first bytes are enough for codec_find(). */
#define CODEC_HEAD_LEN 4096

/*
 * Which codec the first bytes of a file ask for; *@codec NULL: none, the file is the image.
 * -EOPNOTSUPP: a known format that this build cannot decode.  @name is for the sentence.
 */
BMAP_MUST_CHECK int codec_find(const struct codec **codec, const uint8_t *head, size_t len,
			       const char *name, struct bmap_error *err);

const char *codec_name(const struct codec *codec);

/* A codec by its name; NULL: not in this build. */
const struct codec *codec_by_name(const char *name);

/*
 * A decoder that uses at most @max_memory_bytes beyond a few MiB (-ENOMEM from decoder_run() when
 * the data asks for more).
 */
BMAP_MUST_CHECK int decoder_new(struct decoder **decoder, const struct codec *codec,
				uint64_t max_memory_bytes, struct bmap_error *err);
void decoder_free(struct decoder *decoder);
void decoder_freep(struct decoder **decoder);

/* Which member of an archive to decode. */
struct archive_choice {
	const char *archive; /* its name, for sentences */
	const char *member;  /* NULL: the only image */
	bool is_one_member;  /* the input is no whole archive, but the stretch of one member */
	uint32_t crc;        /* of that member, as the directory of the archive has it */
};

/* For a codec that is an archive (zip); the strings are lent as long as the decoder lives. */
void decoder_choose(struct decoder *decoder, const struct archive_choice *choice);

/*
 * Makes it ready for @piece (lent until the piece is decoded), or with NULL for a whole stream: any
 * number of members with nothing behind them.
 */
BMAP_MUST_CHECK int decoder_start(struct decoder *decoder, const struct piece *piece,
				  struct bmap_error *err);

/*
 * Decodes until the room for output is full, the input is used up, or all is decoded.  Returns 1
 * when the piece or stream is whole and ended where the input ends; 0 otherwise.  -EBADMSG (will
 * not decode, or something lies behind the end), -ENODATA (the input ends early), -ENOMEM.
 */
BMAP_MUST_CHECK int decoder_run(struct decoder *decoder, struct decoder_io *io,
				struct bmap_error *err);

#endif
