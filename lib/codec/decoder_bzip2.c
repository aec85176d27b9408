/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bzip2: pieces are blocks, which begin at any bit.  A block is decoded as a stream of its own: the
 * header in front of it, its bits moved to a byte border, the end mark with its checksum behind.
 * The format is described by no standard; "BZIP2: Format Specification" by J. Tsai is the best
 * text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bzlib.h>

#include "base/checked.h"
#include "codec/bzip2_splitter.h"
#include "codec/decoder_ops.h"

#define STAGE_SIZE (64 << 10)

struct bzip2_state {
	bz_stream stream;
	bool has_stream;
	/* Of a piece: its bytes, moved to a byte border, wait here for libbz2. */
	uint8_t stage[STAGE_SIZE];
	size_t stage_at, stage_len;
	bool is_staged_whole;
	unsigned int n_pending; /* bits in pending */
	uint64_t pending;
	int held; /* the newest byte, which may be the last; -1: none yet */
	uint64_t n_bytes;
	uint8_t crc[4];
	uint64_t n_staged;
};

static bool bzip2_matches(const uint8_t *head, size_t len)
{
	return len >= 10 && !memcmp(head, "BZh", 3) && head[3] >= '1' && head[3] <= '9' &&
	       (!memcmp(head + 4, BZIP2_BLOCK_MAGIC, 6) || !memcmp(head + 4, BZIP2_END_MAGIC, 6));
}

static int bzip2_failed(int code, struct bmap_error *err)
{
	if (code == BZ_MEM_ERROR)
		return bmap_error_set(err, ENOMEM, "out of memory");
	return bmap_error_set(err, EBADMSG, "the bzip2 data does not decode: it is damaged");
}

static void stage_byte(struct bzip2_state *state, uint8_t byte)
{
	state->stage[state->stage_len++] = byte;
	/* The checksum of the block stands behind its magic; the end mark repeats it. */
	if (state->n_staged >= 10 && state->n_staged < 14)
		state->crc[state->n_staged - 10] = byte;
	state->n_staged++;
}

static void stage_bits(struct bzip2_state *state, unsigned int bits, unsigned int n_bits)
{
	state->pending = state->pending << n_bits | (bits & ((1u << n_bits) - 1));
	state->n_pending += n_bits;
	while (state->n_pending >= 8) {
		state->n_pending -= 8;
		stage_byte(state, (uint8_t)(state->pending >> state->n_pending));
	}
}

static int bzip2_start(struct decoder *decoder, struct bmap_error *err)
{
	struct bzip2_state *state = decoder->state;
	int code;

	if (!state) {
		decoder->state = state = calloc(1, sizeof(*state));
		if (!state)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	if (state->has_stream)
		BZ2_bzDecompressEnd(&state->stream);
	state->stream = (bz_stream){0};
	code = BZ2_bzDecompressInit(&state->stream, 0, 0);
	state->has_stream = code == BZ_OK;
	if (code != BZ_OK)
		return bzip2_failed(code, err);
	state->stage_at = state->stage_len = 0;
	state->is_staged_whole = false;
	state->n_pending = 0;
	state->held = -1;
	state->n_bytes = state->n_staged = 0;
	if (decoder->piece) {
		memcpy(state->stage, "BZh", 3);
		state->stage[3] = (uint8_t)('0' + decoder->piece->param);
		state->stage_len = state->n_staged = 4;
	}
	return 0;
}

/* Moves one byte of the piece on; the first may belong to the piece before in part. */
static void stage_held(struct bzip2_state *state, const struct piece *piece)
{
	unsigned int skip = state->n_bytes == 0 ? piece->first_bit : 0;

	stage_bits(state, (unsigned int)state->held, 8 - skip);
	state->n_bytes++;
}

/* The end of the piece: its last bits, the end mark, the checksum of the one block. */
static void stage_end(struct bzip2_state *state, const struct piece *piece)
{
	unsigned int n_bits = piece->n_last_bits ? piece->n_last_bits : 8;

	if (state->held >= 0)
		stage_bits(state, (unsigned int)state->held >> (8 - n_bits), n_bits);
	for (size_t i = 0; i < 6; i++)
		stage_bits(state, (uint8_t)BZIP2_END_MAGIC[i], 8);
	for (size_t i = 0; i < 4; i++)
		stage_bits(state, state->crc[i], 8);
	stage_bits(state, 0, 7);
	state->is_staged_whole = true;
}

static void fill_stage(struct bzip2_state *state, const struct piece *piece, struct decoder_io *io)
{
	if (state->stage_at < state->stage_len || state->is_staged_whole)
		return;
	state->stage_at = 0;
	state->stage_len = 0;
	while (io->in_left && state->stage_len < STAGE_SIZE - 32) {
		if (state->held >= 0)
			stage_held(state, piece);
		state->held = *io->in++;
		io->in_left--;
	}
	if (io->in_end && io->in_left == 0)
		stage_end(state, piece);
}

static int run_bzip2(bz_stream *stream, const uint8_t **in, size_t *in_left, struct decoder_io *io,
		     struct bmap_error *err)
{
	unsigned int in_len = (unsigned int)MIN(*in_left, UINT32_MAX);
	unsigned int out_len = (unsigned int)MIN(io->out_left, UINT32_MAX);
	int code;

	stream->next_in = (char *)*in;
	stream->avail_in = in_len;
	stream->next_out = (char *)io->out;
	stream->avail_out = out_len;
	code = BZ2_bzDecompress(stream);
	*in += in_len - stream->avail_in;
	*in_left -= in_len - stream->avail_in;
	io->out += out_len - stream->avail_out;
	io->out_left -= out_len - stream->avail_out;
	if (code == BZ_STREAM_END)
		return DECODE_MEMBER_END;
	return code == BZ_OK ? DECODE_MORE : bzip2_failed(code, err);
}

static int decode_piece(struct decoder *decoder, struct bzip2_state *state, struct decoder_io *io,
			struct bmap_error *err)
{
	int r = DECODE_MORE;

	while (r == DECODE_MORE) {
		const uint8_t *in;
		size_t in_left, out_left = io->out_left;

		fill_stage(state, decoder->piece, io);
		in = state->stage + state->stage_at;
		in_left = state->stage_len - state->stage_at;
		r = run_bzip2(&state->stream, &in, &in_left, io, err);
		state->stage_at = state->stage_len - in_left;
		if (io->out_left == 0 || (in_left == 0 && io->in_left == 0 && !io->in_end))
			break;
		if (io->out_left == out_left && in_left == 0 && state->is_staged_whole)
			break;
	}
	return r;
}

static int bzip2_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	struct bzip2_state *state = decoder->state;

	if (decoder->piece)
		return decode_piece(decoder, state, io, err);
	return run_bzip2(&state->stream, &io->in, &io->in_left, io, err);
}

static void bzip2_stop(struct decoder *decoder)
{
	struct bzip2_state *state = decoder->state;

	if (state->has_stream)
		BZ2_bzDecompressEnd(&state->stream);
	free(state);
}

const struct codec codec_bzip2 = {
	.name = "bzip2",
	.matches = bzip2_matches,
	.start = bzip2_start,
	.decode = bzip2_decode,
	.stop = bzip2_stop,
	.splitter = &bzip2_splitter_ops,
};
