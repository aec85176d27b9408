/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lzop files: LZO1X blocks with a header in front (there is no standard; lzop 1.04 and its magic
 * file).  Blocks are collected whole, as liblzo2 decodes them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <lzo/lzo1x.h>

#include "base/checked.h"
#include "codec/decoder_ops.h"

#define MAGIC     "\x89LZO\0\r\n\x1a\n"
#define MAGIC_LEN 9
/* lzop itself writes and reads blocks of up to 64 MiB. */
#define MAX_BLOCK_LEN (64 << 20)

/* Flags of the file header */
#define ADLER32_D         0x0001
#define ADLER32_C         0x0002
#define HAS_EXTRA         0x0040
#define CRC32_D           0x0100
#define CRC32_C           0x0200
#define HAS_FILTER        0x0800
#define HEADER_CRC32      0x1000
#define FIRST_NEW_VERSION 0x0940

enum step {
	FILE_HEADER, /* magic up to the flags */
	FILE_TIMES,  /* from there to the length of the name */
	FILE_NAME,   /* name and checksum */
	EXTRA_LEN,
	EXTRA,
	BLOCK_LEN,
	BLOCK_SUMS,
	BLOCK_DATA,
	OUTPUT,
};

struct lzo_state {
	enum step step;
	uint8_t *in; /* collected for the current step */
	size_t in_len, in_want, in_capacity;
	uint8_t *out; /* a decoded block */
	size_t out_at, out_len, out_capacity;
	uint32_t version, flags, header_sum;
	uint32_t block_len, data_len;
	uint32_t sums[4];
};

static bool lzo_matches(const uint8_t *head, size_t len)
{
	return len >= MAGIC_LEN && !memcmp(head, MAGIC, MAGIC_LEN);
}

static int damaged(struct bmap_error *err, const char *what)
{
	return bmap_error_set(err, EBADMSG, "the lzop data does not decode: its %s is damaged",
			      what);
}

static int reserve(uint8_t **buf, size_t *capacity, size_t len, struct bmap_error *err)
{
	uint8_t *larger;

	if (len <= *capacity)
		return 0;
	larger = realloc(*buf, len);
	if (!larger)
		return bmap_error_set(err, ENOMEM, "out of memory");
	*buf = larger;
	*capacity = len;
	return 0;
}

/* The next step waits for @len bytes. */
static int want(struct lzo_state *state, enum step step, size_t len, struct bmap_error *err)
{
	state->step = step;
	state->in_len = 0;
	state->in_want = len;
	return reserve(&state->in, &state->in_capacity, len, err);
}

static int lzo_start(struct decoder *decoder, struct bmap_error *err)
{
	struct lzo_state *state = decoder->state;

	if (!state) {
		if (lzo_init() != LZO_E_OK)
			return bmap_error_set(err, EOPNOTSUPP, "liblzo2 does not work here");
		decoder->state = state = calloc(1, sizeof(*state));
		if (!state)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	/* magic, two versions; the rest depends on the first */
	return want(state, FILE_HEADER, MAGIC_LEN + 4, err);
}

static void sum_header(struct lzo_state *state, const uint8_t *bytes, size_t len)
{
	if (state->flags & HEADER_CRC32)
		state->header_sum = lzo_crc32(state->header_sum, bytes, len);
	else
		state->header_sum = lzo_adler32(state->header_sum, bytes, len);
}

/* magic; version, library version[, version needed]; method[, level]; flags */
static int take_file_header(struct lzo_state *state, struct bmap_error *err)
{
	const uint8_t *p = state->in + MAGIC_LEN;
	bool is_new;
	size_t flags_at;

	if (memcmp(state->in, MAGIC, MAGIC_LEN))
		return damaged(err, "header");
	state->version = (uint32_t)p[0] << 8 | p[1];
	is_new = state->version >= FIRST_NEW_VERSION;
	flags_at = MAGIC_LEN + (size_t)(is_new ? 8 : 5);
	if (state->in_want < flags_at + 4) {
		state->in_want = flags_at + 4;
		return reserve(&state->in, &state->in_capacity, state->in_want, err);
	}
	if (p[is_new ? 6 : 4] < 1 || p[is_new ? 6 : 4] > 3)
		return bmap_error_set(err, EOPNOTSUPP,
				      "the lzop data uses a method that is not LZO1X");
	state->flags = load_be32(state->in + flags_at);
	if (state->flags & HAS_FILTER)
		return bmap_error_set(err, EOPNOTSUPP, "the lzop data uses a filter");
	state->header_sum =
		state->flags & HEADER_CRC32 ? lzo_crc32(0, NULL, 0) : lzo_adler32(0, NULL, 0);
	sum_header(state, p, state->in_len - MAGIC_LEN);
	/* mode, time (two words when new), length of the name */
	return want(state, FILE_TIMES, is_new ? 13 : 9, err);
}

static int take_file_name(struct lzo_state *state, struct bmap_error *err)
{
	size_t name_len = state->in_len - 4;

	sum_header(state, state->in, name_len);
	if (load_be32(state->in + name_len) != state->header_sum)
		return damaged(err, "header");
	if (state->flags & HAS_EXTRA)
		return want(state, EXTRA_LEN, 4, err);
	return want(state, BLOCK_LEN, 4, err);
}

/* How many checksums stand in front of a block's data. */
static size_t n_sums(const struct lzo_state *state, bool is_stored)
{
	size_t n = (state->flags & ADLER32_D ? 1 : 0) + (state->flags & CRC32_D ? 1 : 0);

	if (!is_stored)
		n += (state->flags & ADLER32_C ? 1 : 0) + (state->flags & CRC32_C ? 1 : 0);
	return n;
}

static int take_block_len(struct decoder *decoder, struct lzo_state *state, struct bmap_error *err)
{
	state->block_len = load_be32(state->in);
	if (state->block_len == 0)
		return DECODE_MEMBER_END;
	if (state->in_want == 4) { /* the length of the data stands behind it */
		state->in_want = 8;
		return reserve(&state->in, &state->in_capacity, 8, err);
	}
	state->data_len = load_be32(state->in + 4);
	if (state->block_len > MAX_BLOCK_LEN || state->data_len > state->block_len ||
	    state->data_len == 0)
		return damaged(err, "block header");
	if (state->block_len > decoder->max_memory_bytes)
		return bmap_error_set(err, ENOMEM,
				      "the lzop data has blocks of %" PRIu32
				      " bytes, more than is allowed (see --memory)",
				      state->block_len);
	return want(state, BLOCK_SUMS, 4 * n_sums(state, state->data_len == state->block_len), err);
}

/* Compares the checksums over the data as stored or as decoded, in the order of the header. */
static int check_sums(const struct lzo_state *state, size_t first, uint32_t adler_flag,
		      uint32_t crc_flag, const uint8_t *bytes, size_t len, struct bmap_error *err)
{
	if ((state->flags & adler_flag) &&
	    state->sums[first++] != lzo_adler32(lzo_adler32(0, NULL, 0), bytes, len))
		return damaged(err, "data (the checksum is wrong)");
	if ((state->flags & crc_flag) &&
	    state->sums[first] != lzo_crc32(lzo_crc32(0, NULL, 0), bytes, len))
		return damaged(err, "data (the checksum is wrong)");
	return 0;
}

static int take_block(struct lzo_state *state, struct bmap_error *err)
{
	lzo_uint len = state->block_len;

	if (reserve(&state->out, &state->out_capacity, state->block_len, err) < 0)
		return -err->code;
	if (state->data_len == state->block_len) {
		memcpy(state->out, state->in, state->block_len);
	} else {
		if (check_sums(state, n_sums(state, true), ADLER32_C, CRC32_C, state->in,
			       state->data_len, err) < 0)
			return -err->code;
		if (lzo1x_decompress_safe(state->in, state->data_len, state->out, &len, NULL) !=
			    LZO_E_OK ||
		    len != state->block_len)
			return damaged(err, "data");
	}
	if (check_sums(state, 0, ADLER32_D, CRC32_D, state->out, state->block_len, err) < 0)
		return -err->code;
	state->out_at = 0;
	state->out_len = state->block_len;
	state->step = OUTPUT;
	return 0;
}

/* The step has the bytes that it wanted. */
static int take_step(struct decoder *decoder, struct lzo_state *state, struct bmap_error *err)
{
	switch (state->step) {
	case FILE_HEADER:
		return take_file_header(state, err);
	case FILE_TIMES:
		sum_header(state, state->in, state->in_len);
		return want(state, FILE_NAME, (size_t)state->in[state->in_len - 1] + 4, err);
	case FILE_NAME:
		return take_file_name(state, err);
	case EXTRA_LEN:
		if (load_be32(state->in) > 1 << 20)
			return damaged(err, "header");
		return want(state, EXTRA, (size_t)load_be32(state->in) + 4, err);
	case EXTRA:
		return want(state, BLOCK_LEN, 4, err);
	case BLOCK_LEN:
		return take_block_len(decoder, state, err);
	case BLOCK_SUMS:
		for (size_t i = 0; i < state->in_len / 4; i++)
			state->sums[i] = load_be32(state->in + 4 * i);
		return want(state, BLOCK_DATA, state->data_len, err);
	default:
		return take_block(state, err);
	}
}

static void give_output(struct lzo_state *state, struct decoder_io *io)
{
	size_t n = MIN(io->out_left, state->out_len - state->out_at);

	memcpy(io->out, state->out + state->out_at, n);
	io->out += n;
	io->out_left -= n;
	state->out_at += n;
}

static int lzo_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	struct lzo_state *state = decoder->state;

	for (;;) {
		size_t n;
		int r;

		if (state->step == OUTPUT) {
			give_output(state, io);
			if (state->out_at < state->out_len)
				return DECODE_MORE;
			r = want(state, BLOCK_LEN, 4, err);
			if (r < 0)
				return r;
		}
		n = MIN(io->in_left, state->in_want - state->in_len);
		if (n)
			memcpy(state->in + state->in_len, io->in, n);
		state->in_len += n;
		io->in += n;
		io->in_left -= n;
		if (state->in_len < state->in_want)
			return DECODE_MORE;
		r = take_step(decoder, state, err);
		if (r != 0)
			return r;
	}
}

static void lzo_stop(struct decoder *decoder)
{
	struct lzo_state *state = decoder->state;

	free(state->in);
	free(state->out);
	free(state);
}

const struct codec codec_lzo = {
	.name = "lzop",
	.matches = lzo_matches,
	.start = lzo_start,
	.decode = lzo_decode,
	.stop = lzo_stop,
};
