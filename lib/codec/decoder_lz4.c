/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lz4 (the LZ4 frame format, version 1.6.2): pieces are frames when they come in order, and the
 * blocks of a frame where they can be read anywhere.  Such a block is decoded as a frame of its
 * own.
 */
#include <errno.h>
#include <stdlib.h>

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
#define IS_INDEPENDENT      0x20

/* A piece's param when it is a block: its frame's flags, and the code of the largest block size. */
#define BLOCK_PARAM(flags, size_code) (0x100u | (flags) | (unsigned int)(size_code) << 12)
#define PARAM_SIZE_CODE(param)        ((param) >> 12)

#define END_MARK_LEN 4

struct lz4_state {
	LZ4F_dctx *context;
	uint8_t header[LZ4F_HEADER_SIZE_MAX]; /* put before a block that is a piece */
	size_t header_len, header_at, end_at;
};

static bool lz4_matches(const uint8_t *head, size_t len)
{
	return frame_matches(head, len, FRAME_MAGIC);
}

/* The header of a frame that holds one block of @piece's frame. */
static int make_header(struct lz4_state *state, const struct piece *piece, struct bmap_error *err)
{
	const LZ4F_preferences_t preferences = {
		.frameInfo =
			{
				.blockSizeID = (LZ4F_blockSizeID_t)PARAM_SIZE_CODE(piece->param),
				.blockMode = LZ4F_blockIndependent,
				.blockChecksumFlag = piece->param & HAS_BLOCK_CHECKSUMS
							     ? LZ4F_blockChecksumEnabled
							     : LZ4F_noBlockChecksum,
			},
	};
	LZ4F_cctx *context;
	size_t len;

	/* An index from a file may say anything. */
	if (PARAM_SIZE_CODE(piece->param) < 4 || PARAM_SIZE_CODE(piece->param) > 7)
		return bmap_error_set(err, EBADMSG, "the index of the lz4 data is damaged");
	if (LZ4F_isError(LZ4F_createCompressionContext(&context, LZ4F_VERSION)))
		return bmap_error_set(err, ENOMEM, "out of memory");
	len = LZ4F_compressBegin(context, state->header, sizeof(state->header), &preferences);
	LZ4F_freeCompressionContext(context);
	if (LZ4F_isError(len))
		return bmap_error_set(err, ENOMEM, "out of memory");
	state->header_len = len;
	return 0;
}

static int lz4_start(struct decoder *decoder, struct bmap_error *err)
{
	struct lz4_state *state = decoder->state;

	if (!state) {
		state = calloc(1, sizeof(*state));
		if (!state ||
		    LZ4F_isError(LZ4F_createDecompressionContext(&state->context, LZ4F_VERSION))) {
			free(state);
			return bmap_error_set(err, ENOMEM, "out of memory");
		}
		decoder->state = state;
	}
	LZ4F_resetDecompressionContext(state->context);
	state->header_len = state->header_at = state->end_at = 0;
	return decoder->piece && decoder->piece->param ? make_header(state, decoder->piece, err)
						       : 0;
}

/* One call of the library.  Returns what it says is left, or -errno. */
static ssize_t decompress(struct lz4_state *state, struct decoder_io *io, const uint8_t *in,
			  size_t *in_len, struct bmap_error *err)
{
	size_t out_len = io->out_left;
	size_t left = LZ4F_decompress(state->context, io->out, &out_len, in, in_len, NULL);

	if (LZ4F_isError(left))
		return bmap_error_set(err, EBADMSG, "the lz4 data does not decode: %s",
				      LZ4F_getErrorName(left));
	io->out += out_len;
	io->out_left -= out_len;
	return (ssize_t)left;
}

/* The end mark behind a block, once all of it is decoded. */
static int end_block(struct lz4_state *state, struct decoder_io *io, struct bmap_error *err)
{
	static const uint8_t end_mark[END_MARK_LEN];
	size_t len = END_MARK_LEN - state->end_at;
	ssize_t left = decompress(state, io, end_mark + state->end_at, &len, err);

	if (left < 0)
		return (int)left;
	state->end_at += len;
	return left == 0 && state->end_at == END_MARK_LEN ? DECODE_MEMBER_END : DECODE_MORE;
}

static int lz4_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	struct lz4_state *state = decoder->state;
	bool is_block = decoder->piece && decoder->piece->param;
	size_t in_len;
	ssize_t left;

	while (state->header_at < state->header_len) {
		in_len = state->header_len - state->header_at;
		left = decompress(state, io, state->header + state->header_at, &in_len, err);
		if (left < 0)
			return (int)left;
		state->header_at += in_len;
	}
	if (is_block && io->in_left == 0 && io->in_end)
		return end_block(state, io, err);
	in_len = io->in_left;
	left = decompress(state, io, io->in, &in_len, err);
	if (left < 0)
		return (int)left;
	io->in += in_len;
	io->in_left -= in_len;
	return left == 0 && in_len > 0 ? DECODE_MEMBER_END : DECODE_MORE;
}

static void lz4_stop(struct decoder *decoder)
{
	struct lz4_state *state = decoder->state;

	LZ4F_freeDecompressionContext(state->context);
	free(state);
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

/* ---- where the blocks are ---- */

#define FRAME_HEADER_LEN 7 /* the least: magic, flags, block size, checksum */
#define WALK_HEADER_LEN  (FRAME_HEADER_LEN + 8)

/* What a walk over a file's frames and blocks has seen. */
struct lz4_walk {
	struct source *source;
	struct piece_index *index;
	uint64_t offset_bytes;
	uint64_t size_bytes; /* of the source */
	uint64_t image_size_bytes;
	uint64_t max_block_len; /* of the frame */
	uint64_t content_len;   /* of the frame; PIECE_LEN_UNKNOWN: it does not say */
	uint64_t frame_first;   /* where it begins in the image */
	unsigned int flags, param;
};

static int has_no_index(struct bmap_error *err, const char *why)
{
	return bmap_error_set(err, EOPNOTSUPP, "the lz4 data %s", why);
}

/* Reads @len bytes, or says that the data ends.  1: it ends before the first of them. */
static int walk_read(struct lz4_walk *walk, uint8_t *bytes, size_t len, struct bmap_error *err)
{
	ssize_t n = source_pread(walk->source, bytes, len, walk->offset_bytes, err);

	if (n < 0)
		return (int)n;
	if (n == 0)
		return 1;
	return (size_t)n < len ? bmap_error_set(err, ENODATA, "the lz4 data ends early") : 0;
}

/* 1: there is no frame any more. */
static int walk_frame_header(struct lz4_walk *walk, struct bmap_error *err)
{
	uint8_t header[MAX_FRAME_HEADER] = {0};
	uint64_t window_bytes;
	size_t len;
	int r = walk_read(walk, header, FRAME_HEADER_LEN, err);

	if (r != 0)
		return r;
	if (frame_is_skippable(header)) {
		r = walk_read(walk, header, 8, err);
		walk->offset_bytes += r == 0 ? 8 + (uint64_t)load_le32(header + 4) : 0;
		if (r == 0 && walk->offset_bytes > walk->size_bytes)
			return bmap_error_set(err, ENODATA, "the lz4 data ends early");
		return r == 0 ? 2 : r;
	}
	if (load_le32(header) != FRAME_MAGIC)
		return bmap_error_set(err, EBADMSG, "the lz4 data is followed by something else");
	if (header[4] & HAS_CONTENT_LEN) {
		r = walk_read(walk, header, WALK_HEADER_LEN, err);
		if (r != 0)
			return r;
	}
	len = parse_header(header, &walk->content_len, &window_bytes, &walk->flags);
	if (!(walk->flags & IS_INDEPENDENT) || (walk->flags & HAS_DICTIONARY))
		return has_no_index(err, "has blocks that depend on each other");
	if ((header[5] >> 4 & 7) < 4)
		return bmap_error_set(err, EBADMSG, "the lz4 data is damaged");
	walk->param = BLOCK_PARAM(walk->flags & HAS_BLOCK_CHECKSUMS, header[5] >> 4 & 7);
	/* The LZ4 frame format: code 4 is 64 KiB, 7 is 4 MiB. */
	walk->max_block_len = UINT64_C(1) << (8 + 2 * PARAM_SIZE_CODE(walk->param));
	walk->frame_first = piece_index_end(walk->index);
	walk->offset_bytes += len;
	return 0;
}

/*
 * The last block of a frame holds what is left of it.  Encoders fill all others; where one does not
 * (after a flush), the sum does not come out, or the block shows it when it is decoded.
 */
static int end_frame(struct lz4_walk *walk, bool is_last, struct bmap_error *err)
{
	struct piece_index *index = walk->index;
	uint64_t n_bytes = piece_index_end(index) - walk->frame_first;
	uint64_t content_len = walk->content_len;

	if (content_len == PIECE_LEN_UNKNOWN && is_last &&
	    walk->image_size_bytes != PIECE_LEN_UNKNOWN)
		content_len =
			walk->image_size_bytes - MIN(walk->frame_first, walk->image_size_bytes);
	if (content_len == PIECE_LEN_UNKNOWN)
		return has_no_index(err, "does not say how long it is");
	if (content_len > n_bytes || n_bytes - content_len >= MAX(walk->max_block_len, 1))
		return has_no_index(err, "has blocks that are not full");
	if (n_bytes)
		index->pieces[index->n_pieces - 1].image_len_bytes -= n_bytes - content_len;
	return 0;
}

/* Walks over the blocks of a frame. */
static int walk_blocks(struct lz4_walk *walk, struct bmap_error *err)
{
	for (;;) {
		uint8_t header[4];
		uint64_t len;
		int r = walk_read(walk, header, sizeof(header), err);
		bool is_end;
		struct piece piece = {
			.image_len_bytes = walk->max_block_len,
			.window_bytes = 2 * walk->max_block_len,
			.param = walk->param,
			.encoded_offset_bytes = walk->offset_bytes,
		};

		if (r != 0)
			return r < 0 ? r : bmap_error_set(err, ENODATA, "the lz4 data ends early");
		is_end = parse_block(header, walk->flags, &len);
		if (len > walk->size_bytes - walk->offset_bytes)
			return bmap_error_set(err, ENODATA, "the lz4 data ends early");
		walk->offset_bytes += len;
		if (is_end)
			return end_frame(walk, walk->offset_bytes == walk->size_bytes, err);
		piece.encoded_len_bytes = len;
		if (piece_index_add(walk->index, &piece, err) < 0)
			return -err->code;
	}
}

static int lz4_index(struct source *source, uint64_t image_size_bytes, struct piece_index *index,
		     struct bmap_error *err)
{
	struct lz4_walk walk = {
		.source = source,
		.index = index,
		.image_size_bytes = image_size_bytes,
	};
	int r = 0;

	if (!source_size(source, &walk.size_bytes))
		return has_no_index(err, "is of a size that is not known");
	while (r == 0 || r == 2) {
		r = walk_frame_header(&walk, err);
		if (r == 0)
			r = walk_blocks(&walk, err);
	}
	return r < 0 ? r : 0;
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
	.index = lz4_index,
};
