/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gzip (RFC 1952): members behind each other, each with its CRC-32 and length.  A piece is what
 * lies between two checkpoints (gzip_index.h); what comes in order is one piece.
 *
 * BGZF (the SAM/BAM format specification, section 4.1) is gzip in members of at most 64 KiB, whose
 * headers say how long they are: some of these together are a piece.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
		gzip_stream_start(state->stream, decoder->piece);
		return 0;
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
	if (r == 1 && decoder->piece->image_len_bytes == PIECE_LEN_UNKNOWN)
		return DECODE_MEMBER_END;
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

#define BGZF_HEADER_LEN 18
#define BGZF_ISIZE_LEN  4
#define BGZF_MAX_ISIZE  (64 << 10)
/* Members are put together to pieces of at least this size. */
#define BGZF_PIECE_BYTES (1 << 20)

/* The length of the member whose header stands at @header; 0: it is none of BGZF's. */
static size_t bgzf_member_len(const uint8_t *header)
{
	/* Flags: only an extra field, of 6 bytes: "BC", its length 2, the member's length less 1.
	 */
	if (memcmp(header, "\x1f\x8b\x08\x04", 4) != 0 || load_le16(header + 10) != 6 ||
	    memcmp(header + 12, "BC\2\0", 4) != 0)
		return 0;
	return (size_t)load_le16(header + 16) + 1;
}

static int no_bgzf(struct bmap_error *err)
{
	return bmap_error_set(err, EOPNOTSUPP, "the gzip data is not all of BGZF members");
}

static int gzip_index(struct source *source, uint64_t image_size_bytes, struct piece_index *index,
		      struct bmap_error *err)
{
	uint8_t bytes[BGZF_ISIZE_LEN + BGZF_HEADER_LEN] = {0};
	struct piece piece = {.is_rest = true};
	uint64_t size, offset = 0, local_offset;

	(void)image_size_bytes;
	/* A header each 64 KiB of the image: of a remote file that would be most of it. */
	if (source_local_fd(source, &local_offset) < 0 || !source_size(source, &size) || size == 0)
		return no_bgzf(err);
	while (offset < size) {
		/* The length of what the member before holds stands right before its successor. */
		size_t before = offset ? BGZF_ISIZE_LEN : 0, len;
		ssize_t n = source_pread(source, bytes + BGZF_ISIZE_LEN - before,
					 before + BGZF_HEADER_LEN, offset - before, err);

		if (n < 0)
			return (int)n;
		len = (size_t)n == before + BGZF_HEADER_LEN
			      ? bgzf_member_len(bytes + BGZF_ISIZE_LEN)
			      : 0;
		if (len < BGZF_HEADER_LEN + BGZF_ISIZE_LEN || len > size - offset ||
		    (offset && load_le32(bytes) > BGZF_MAX_ISIZE))
			return no_bgzf(err);
		piece.image_len_bytes += offset ? load_le32(bytes) : 0;
		if (piece.image_len_bytes >= BGZF_PIECE_BYTES) {
			piece.encoded_len_bytes = offset - piece.encoded_offset_bytes;
			if (piece_index_add(index, &piece, err) < 0)
				return -err->code;
			piece.image_len_bytes = 0;
			piece.encoded_offset_bytes = offset;
		}
		offset += len;
	}
	if (source_pread(source, bytes, BGZF_ISIZE_LEN, size - BGZF_ISIZE_LEN, err) !=
	    BGZF_ISIZE_LEN)
		return err->code ? -err->code : no_bgzf(err);
	piece.image_len_bytes += load_le32(bytes);
	piece.encoded_len_bytes = size - piece.encoded_offset_bytes;
	return piece_index_add(index, &piece, err);
}

const struct codec codec_gzip = {
	.name = "gzip",
	.matches = gzip_matches,
	.start = gzip_start,
	.decode = gzip_decode,
	.stop = gzip_stop,
	.index = gzip_index,
};
