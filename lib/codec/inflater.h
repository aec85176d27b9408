/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deflate (RFC 1951) with or without its gzip frame (RFC 1952), by ISA-L where the build has it,
 * else by zlib.  Threads: one.
 */
#ifndef CODEC_INFLATER_H
#define CODEC_INFLATER_H

#include "codec/decoder.h"

struct inflater;

/* @gzip: with the gzip header and trailer, which is verified.  NULL when out of memory. */
struct inflater *inflater_new(bool gzip);
void inflater_free(struct inflater *inflater);

/* Ready for another member. */
void inflater_reset(struct inflater *inflater);

/* Inflates what it can: 0, or 1 at the end of the member.  -EBADMSG. */
BMAP_MUST_CHECK int inflater_run(struct inflater *inflater, struct decoder_io *io,
				 struct bmap_error *err);

/* What a deflate stream may refer to: so much of what was inflated before. */
#define INFLATER_WINDOW_LEN 32768

/*
 * Ready for the middle of a member, which has no gzip frame then: for a border of deflate blocks.
 * @window: the INFLATER_WINDOW_LEN bytes before it; NULL: it needs none.  The highest @n_bits (0 to
 * 7) of @byte are its first ones.  -ENOMEM.
 */
BMAP_MUST_CHECK int inflater_resume(struct inflater *inflater, const uint8_t *window, uint8_t byte,
				    unsigned int n_bits, struct bmap_error *err);

#define INFLATER_AT_BORDER 2

/*
 * As inflater_run(), but goes no further than to the next border of deflate blocks:
 * INFLATER_AT_BORDER; it lies *@bits_back bits before the end of the input used.  That of the last
 * block is left out.  ISA-L knows its place only where its input ends, and gets so little at once
 * that few borders are missed: at ten times the cost, which is why it is only used near a border
 * that is wanted.
 */
BMAP_MUST_CHECK int inflater_run_to_border(struct inflater *inflater, struct decoder_io *io,
					   unsigned int *bits_back, struct bmap_error *err);

/* Bytes that inflater_unread() gives at most. */
#define INFLATER_MAX_UNREAD 8

/*
 * After the end of a member without a gzip frame: bytes that were taken from the input, but lie
 * behind the member.  Returns their count.
 */
size_t inflater_unread(const struct inflater *inflater, uint8_t *bytes);

/* Continues the CRC-32 of gzip and zip; begins with 0. */
uint32_t inflater_crc32(uint32_t crc, const void *data, size_t len);

#endif
