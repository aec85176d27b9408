/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What zstd (RFC 8878) and lz4 have in common: frames of blocks whose lengths stand in front of
 * them, and skippable frames between; so one walk finds the borders of both.
 *
 * Threads: one.
 */
#ifndef CODEC_FRAME_SPLITTER_H
#define CODEC_FRAME_SPLITTER_H

#include "bmap/error.h"
#include "codec/piece_index.h"
#include "source/source.h"

#define MAX_FRAME_HEADER 19

struct frame_format {
	const char *name;
	uint32_t magic;
	size_t block_header_len;
	/*
	 * Parses the frame header at @in (MAX_FRAME_HEADER bytes, zeros behind the end of the
	 * input); returns its length.  *@flags is what parse_block() needs to know of it.
	 */
	size_t (*parse_header)(const uint8_t *in, uint64_t *content_len, uint64_t *window_bytes,
			       unsigned int *flags);
	/* The length of a block with its header and what follows; true: it ends the frame. */
	bool (*parse_block)(const uint8_t *in, unsigned int flags, uint64_t *len);
};

struct frame_splitter {
	enum { FRAME_HEADER, BLOCK_HEADER } at;
	uint64_t pass_bytes; /* of the current block, or of a skippable frame */
	unsigned int flags;
	bool in_frame, ends_frame, has_frame;
};

/* struct splitter_ops' split, for @format. */
BMAP_MUST_CHECK int frame_split(struct frame_splitter *splitter, const struct frame_format *format,
				const uint8_t *in, size_t len, bool end, struct split *split,
				struct bmap_error *err);

/*
 * struct codec's index, for @format: walks from header to header, without the blocks between.
 * -EOPNOTSUPP: a frame does not say how much it holds.
 */
BMAP_MUST_CHECK int frame_index(struct source *source, const struct frame_format *format,
				struct piece_index *index, struct bmap_error *err);

/* Is it a frame to be skipped (RFC 8878 section 3.1.2)?  At least four bytes at @in. */
bool frame_is_skippable(const uint8_t *in);

/* Does the first frame that is not skippable begin with @magic, as far as @head shows? */
bool frame_matches(const uint8_t *head, size_t len, uint32_t magic);

#endif
