/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gzip (RFC 1952): members behind each other, each with its CRC-32 and length.  A piece is what lies
 * between two checkpoints (gzip_index.h); what comes in order is one piece.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"
#include "codec/decoder_ops.h"
#include "codec/gzip_stream.h"
#include "codec/inflater.h"

struct gzip_state {
	struct inflater *inflater;  /* of whole streams; NULL: not needed yet */
	struct gzip_stream *stream; /* of checkpoints; NULL: not needed yet */
};

/* Does it begin at a checkpoint?  Else it is a member, or the whole stream. */
static bool is_resumed(const struct decoder *decoder)
{
	return decoder->piece && decoder->piece->is_checkpoint;
}

static bool gzip_matches(const uint8_t *head, size_t len)
{
	return len >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
}

static int gzip_start(struct decoder *decoder, struct bmap_error *err)
{
	struct gzip_state *state = decoder->state;

	if (!state)
		decoder->state = state = calloc(1, sizeof(*state));
	if (!state)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (is_resumed(decoder)) {
		if (!state->stream && gzip_stream_new(&state->stream, err) < 0)
			return -err->code;
		return gzip_stream_start(state->stream, decoder->piece, err);
	}
	if (state->inflater) {
		inflater_reset(state->inflater);
		return 0;
	}
	state->inflater = inflater_new(true);
	return state->inflater ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

/* From a checkpoint on, as far as the piece reaches; what lies behind is the next one's. */
static int decode_piece(struct decoder *decoder, struct gzip_stream *stream, struct decoder_io *io,
			struct bmap_error *err)
{
	uint64_t left = decoder->piece->image_len_bytes - decoder->member_out_bytes;
	struct decoder_io part = *io;
	int r;

	if (left == 0) {
		io->in += io->in_left;
		io->in_left = 0;
		return io->in_end ? DECODE_MEMBER_END : DECODE_MORE;
	}
	part.out_left = (size_t)MIN(io->out_left, left);
	r = gzip_stream_run(stream, &part, NULL, NULL, err);
	io->out_left -= (size_t)(part.out - io->out);
	io->out = part.out;
	io->in = part.in;
	io->in_left = part.in_left;
	return r < 0 ? r : DECODE_MORE;
}

static int gzip_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	struct gzip_state *state = decoder->state;

	return is_resumed(decoder) ? decode_piece(decoder, state->stream, io, err)
				   : inflater_run(state->inflater, io, err);
}

static void gzip_stop(struct decoder *decoder)
{
	struct gzip_state *state = decoder->state;

	inflater_free(state->inflater);
	gzip_stream_free(state->stream);
	free(state);
}

const struct codec codec_gzip = {
	.name = "gzip",
	.matches = gzip_matches,
	.start = gzip_start,
	.decode = gzip_decode,
	.stop = gzip_stop,
};
