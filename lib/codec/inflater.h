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
