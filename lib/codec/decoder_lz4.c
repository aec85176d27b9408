/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lz4 (the LZ4 frame format, version 1.6.2): pieces are frames. */
#include <errno.h>

#include <lz4frame.h>

#include "base/checked.h"
#include "codec/decoder_ops.h"
#include "codec/frame_splitter.h"

#define FRAME_MAGIC   0x184d2204
#define MAX_BLOCK_LEN (4 << 20)

/* Flags of the frame descriptor */
#define HAS_DICTIONARY      0x01
#define HAS_CHECKSUM        0x04
#define HAS_CONTENT_LEN     0x08
#define HAS_BLOCK_CHECKSUMS 0x10

static bool lz4_matches(const uint8_t *head, size_t len)
{
	return frame_matches(head, len, FRAME_MAGIC);
}

static int lz4_start(struct decoder *decoder, struct bmap_error *err)
{
	LZ4F_dctx *state = decoder->state;

	if (state) {
		LZ4F_resetDecompressionContext(state);
		return 0;
	}
	if (LZ4F_isError(LZ4F_createDecompressionContext(&state, LZ4F_VERSION)))
		return bmap_error_set(err, ENOMEM, "out of memory");
	decoder->state = state;
	return 0;
}

static int lz4_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	size_t in_len = io->in_left, out_len = io->out_left;
	size_t left = LZ4F_decompress(decoder->state, io->out, &out_len, io->in, &in_len, NULL);

	if (LZ4F_isError(left))
		return bmap_error_set(err, EBADMSG, "the lz4 data does not decode: %s",
				      LZ4F_getErrorName(left));
	io->in += in_len;
	io->in_left -= in_len;
	io->out += out_len;
	io->out_left -= out_len;
	return left == 0 && in_len > 0 ? DECODE_MEMBER_END : DECODE_MORE;
}

static void lz4_stop(struct decoder *decoder)
{
	LZ4F_freeDecompressionContext(decoder->state);
}

static size_t parse_header(const uint8_t *in, uint64_t *content_len, uint64_t *window_bytes,
			   unsigned int *flags)
{
	bool has_content_len = in[4] & HAS_CONTENT_LEN;

	*flags = in[4];
	*window_bytes = MAX_BLOCK_LEN;
	*content_len = has_content_len ? load_le64(in + 6) : PIECE_LEN_UNKNOWN;
	return (size_t)4 + 2 + (has_content_len ? 8 : 0) + (in[4] & HAS_DICTIONARY ? 4 : 0) + 1;
}

/* A size of 0 ends the frame; the highest bit says that the block is stored as it is. */
static bool parse_block(const uint8_t *in, unsigned int flags, uint64_t *len)
{
	bool is_end = load_le32(in) == 0;

	*len = UINT64_C(4) + (load_le32(in) & 0x7fffffff);
	if (flags & (is_end ? HAS_CHECKSUM : HAS_BLOCK_CHECKSUMS))
		*len += 4;
	return is_end;
}

static int lz4_split(void *state, const uint8_t *in, size_t len, bool end, struct split *split,
		     struct bmap_error *err)
{
	static const struct frame_format format = {
		.name = "lz4",
		.magic = FRAME_MAGIC,
		.block_header_len = 4,
		.parse_header = parse_header,
		.parse_block = parse_block,
	};

	return frame_split(state, &format, in, len, end, split, err);
}

static const struct splitter_ops lz4_splitter_ops = {
	.state_size = sizeof(struct frame_splitter),
	.split = lz4_split,
};

const struct codec codec_lz4 = {
	.name = "lz4",
	.matches = lz4_matches,
	.start = lz4_start,
	.decode = lz4_decode,
	.stop = lz4_stop,
	.splitter = &lz4_splitter_ops,
};
