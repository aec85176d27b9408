/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inflater.h by ISA-L (igzip), which is three times as fast as zlib. */
#include <errno.h>
#include <stdlib.h>

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "base/checked.h"
#include "codec/inflater.h"

/* Less than the header of most deflate blocks with codes of their own: a portion ends in each. */
#define PORTION_LEN 32
/* So many bytes out for one in are zeros: their blocks are few bytes, their headers too. */
#define ZEROS_RATIO 64

struct inflater {
	struct inflate_state state;
	bool gzip;
	uint64_t portions_in, portions_out; /* since inflater_run() */
};

struct inflater *inflater_new(bool gzip)
{
	struct inflater *inflater = malloc(sizeof(*inflater));

	if (!inflater)
		return NULL;
	inflater->gzip = gzip;
	inflater->portions_in = inflater->portions_out = 0;
	isal_inflate_init(&inflater->state);
	inflater_reset(inflater);
	return inflater;
}

void inflater_free(struct inflater *inflater)
{
	free(inflater);
}

void inflater_reset(struct inflater *inflater)
{
	isal_inflate_reset(&inflater->state);
	inflater->state.crc_flag = inflater->gzip ? ISAL_GZIP : ISAL_DEFLATE;
}

int inflater_resume(struct inflater *inflater, const uint8_t *window, uint8_t byte,
		    unsigned int n_bits, struct bmap_error *err)
{
	struct inflate_state *state = &inflater->state;

	isal_inflate_reset(state);
	state->crc_flag = ISAL_DEFLATE;
	if (window &&
	    isal_inflate_set_dict(state, (uint8_t *)window, INFLATER_WINDOW_LEN) != ISAL_DECOMP_OK)
		return bmap_error_set(err, ENOMEM, "out of memory");
	state->read_in = n_bits ? byte >> (8 - n_bits) : 0;
	state->read_in_length = (int32_t)n_bits;
	return 0;
}

static const char *isal_reason(int code)
{
	switch (code) {
	case ISAL_INVALID_WRAPPER:
		return "its header is not a gzip header";
	case ISAL_UNSUPPORTED_METHOD:
		return "its method is not deflate";
	case ISAL_INCORRECT_CHECKSUM:
		return "its checksum is wrong";
	default:
		return "it is damaged";
	}
}

static int run(struct inflater *inflater, struct decoder_io *io, struct bmap_error *err)
{
	struct inflate_state *state = &inflater->state;
	size_t in_len = MIN(io->in_left, UINT32_MAX), out_len = MIN(io->out_left, UINT32_MAX);
	int code;

	state->next_in = (uint8_t *)io->in;
	state->avail_in = (uint32_t)in_len;
	state->next_out = io->out;
	state->avail_out = (uint32_t)out_len;
	code = isal_inflate(state);
	/* Of broken data its counts cannot be trusted (2.30: avail_in may pass below 0). */
	if (code < 0 || code == ISAL_NEED_DICT)
		return bmap_error_set(err, EBADMSG, "the %s data does not decode: %s",
				      inflater->gzip ? "gzip" : "deflate", isal_reason(code));
	io->in += in_len - state->avail_in;
	io->in_left -= in_len - state->avail_in;
	io->out += out_len - state->avail_out;
	io->out_left -= out_len - state->avail_out;
	return state->block_state == ISAL_BLOCK_FINISH;
}

int inflater_run(struct inflater *inflater, struct decoder_io *io, struct bmap_error *err)
{
	inflater->portions_in = inflater->portions_out = 0;
	return run(inflater, io, err);
}

/* Decoded, but not given out yet. */
static uint64_t n_pending(const struct inflate_state *state)
{
	return (uint64_t)(state->tmp_out_valid - state->tmp_out_processed);
}

/* How much to give at once on the way to a border. */
static size_t portion_len(const struct inflater *inflater)
{
	const struct inflate_state *state = &inflater->state;
	int32_t left;

	/* The border may follow right behind the header of the member. */
	if (state->crc_flag == ISAL_GZIP && !state->wrapper_flag)
		return 1;
	if (state->block_state != ISAL_BLOCK_TYPE0)
		return inflater->portions_out >= ZEROS_RATIO * inflater->portions_in ? 1
										     : PORTION_LEN;
	/* What is stored has a header of 5 bytes, and says where the next one is. */
	left = state->type0_block_len - state->read_in_length / 8;
	return left > 0 ? (size_t)left : 1;
}

int inflater_run_to_border(struct inflater *inflater, struct decoder_io *io,
			   unsigned int *bits_back, struct bmap_error *err)
{
	const struct inflate_state *state = &inflater->state;
	struct decoder_io portion = *io;
	uint64_t pending = n_pending(state);
	size_t n_used;
	int r;

	/* It would decode in advance. */
	if (io->out_left == 0)
		return 0;
	portion.in_left = MIN(io->in_left, portion_len(inflater));
	r = run(inflater, &portion, err);
	n_used = (size_t)(portion.in - io->in);
	io->in = portion.in;
	io->in_left -= n_used;
	inflater->portions_in += n_used;
	inflater->portions_out += (uint64_t)(portion.out - io->out) + n_pending(state) - pending;
	io->out = portion.out;
	io->out_left = portion.out_left;
	/* Is all out that was decoded?  A header that was begun waits in tmp_in_buffer. */
	if (r != 0 || portion.in_left || n_pending(state) > 0 ||
	    (state->crc_flag == ISAL_GZIP && !state->wrapper_flag) ||
	    (state->block_state != ISAL_BLOCK_NEW_HDR && state->block_state != ISAL_BLOCK_HDR))
		return r;
	*bits_back = 8 * (unsigned int)state->tmp_in_size + (unsigned int)state->read_in_length;
	return INFLATER_AT_BORDER;
}

size_t inflater_unread(const struct inflater *inflater, uint8_t *bytes)
{
	const struct inflate_state *state = &inflater->state;
	uint64_t bits = state->read_in >> state->read_in_length % 8;
	size_t n = state->read_in_length > 0 ? (size_t)state->read_in_length / 8 : 0;

	for (size_t i = 0; i < n; i++, bits >>= 8)
		bytes[i] = (uint8_t)bits;
	return n;
}

uint32_t inflater_crc32(uint32_t crc, const void *data, size_t len)
{
	return crc32_gzip_refl(crc, data, len);
}
