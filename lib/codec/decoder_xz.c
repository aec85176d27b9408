/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xz (the .xz file format, version 1.2.0): pieces are blocks.
 *
 * Forward-only input is split by the sizes in the block headers, which xz writes when it compresses
 * with threads; a stream without them is one piece.  A seekable source gives all sizes in the index
 * at its end, whoever wrote it.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <lzma.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "codec/decoder_ops.h"

#define HEADER_LEN LZMA_STREAM_HEADER_SIZE
/* The index of a hostile file may claim anything. */
#define MAX_INDEX_MEMORY (32 << 20)
#define MAX_BLOCK_HEADER LZMA_BLOCK_HEADER_SIZE_MAX

static int xz_to_errno(lzma_ret code)
{
	switch (code) {
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return ENOMEM;
	case LZMA_OPTIONS_ERROR:
	case LZMA_UNSUPPORTED_CHECK:
		return EOPNOTSUPP;
	default:
		return EBADMSG;
	}
}

static int xz_failed(lzma_ret code, uint64_t needed_bytes, struct bmap_error *err)
{
	const char *reason =
		code == LZMA_FORMAT_ERROR        ? "it is not xz"
		: code == LZMA_OPTIONS_ERROR     ? "it uses a filter that is not known here"
		: code == LZMA_UNSUPPORTED_CHECK ? "it uses a checksum that is not known here"
		: code == LZMA_MEM_ERROR         ? "out of memory"
						 : "it is damaged";

	if (code == LZMA_MEMLIMIT_ERROR)
		return bmap_error_set(err, ENOMEM,
				      "the xz data needs %" PRIu64 " MiB of memory to decode, more "
				      "than is allowed (see --memory)",
				      needed_bytes >> 20);
	return bmap_error_set(err, xz_to_errno(code), "the xz data does not decode: %s", reason);
}

static void free_filters(lzma_filter *filters)
{
	for (size_t i = 0; i < LZMA_FILTERS_MAX && filters[i].id != LZMA_VLI_UNKNOWN; i++)
		free(filters[i].options);
}

/* ---- decoding ---- */

struct xz_state {
	lzma_stream stream;
	lzma_block block; /* of a piece; must live as long as its decoder */
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	uint8_t header[MAX_BLOCK_HEADER];
	size_t header_len; /* collected so far; decoding begins when it is whole */
	bool has_decoder;
};

static bool xz_matches(const uint8_t *head, size_t len)
{
	return len >= 6 && !memcmp(head,
				   "\xfd"
				   "7zXZ",
				   6);
}

static int xz_start(struct decoder *decoder, struct bmap_error *err)
{
	struct xz_state *state = decoder->state;
	lzma_ret code;

	if (!state) {
		decoder->state = state = calloc(1, sizeof(*state));
		if (!state)
			return bmap_error_set(err, ENOMEM, "out of memory");
		state->stream = (lzma_stream)LZMA_STREAM_INIT;
	}
	state->header_len = 0;
	state->has_decoder = false;
	if (decoder->piece && !lzma_check_is_supported((lzma_check)decoder->piece->param))
		return xz_failed(LZMA_UNSUPPORTED_CHECK, 0, err);
	if (decoder->piece)
		return 0;
	code = lzma_stream_decoder(&state->stream, decoder->max_memory_bytes,
				   LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK);
	state->has_decoder = true;
	return code == LZMA_OK ? 0 : xz_failed(code, 0, err);
}

/* A piece begins with its block header, which says how to decode the rest. */
static int start_block(struct decoder *decoder, struct xz_state *state, struct bmap_error *err)
{
	uint64_t needed;
	lzma_ret code;

	state->block = (lzma_block){
		.version = 1,
		.check = decoder->piece->param,
		.header_size = (uint32_t)state->header_len,
		.filters = state->filters,
	};
	code = lzma_block_header_decode(&state->block, NULL, state->header);
	if (code != LZMA_OK)
		return xz_failed(code, 0, err);
	needed = lzma_raw_decoder_memusage(state->filters);
	if (needed > decoder->max_memory_bytes)
		code = LZMA_MEMLIMIT_ERROR;
	else
		code = lzma_block_decoder(&state->stream, &state->block);
	free_filters(state->filters);
	state->has_decoder = true;
	return code == LZMA_OK ? 0 : xz_failed(code, needed, err);
}

/* Collects the block header.  1: more input is needed. */
static int collect_header(struct decoder *decoder, struct xz_state *state, struct decoder_io *io,
			  struct bmap_error *err)
{
	while (io->in_left) {
		state->header[state->header_len++] = *io->in++;
		io->in_left--;
		if (state->header[0] == 0)
			return bmap_error_set(err, EBADMSG, "the xz data is damaged");
		if (state->header_len == lzma_block_header_size_decode(state->header[0]))
			return start_block(decoder, state, err);
	}
	return 1;
}

static int xz_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	struct xz_state *state = decoder->state;
	lzma_ret code;

	if (!state->has_decoder) {
		int r = collect_header(decoder, state, io, err);

		if (r != 0)
			return r < 0 ? r : DECODE_MORE;
	}
	state->stream.next_in = io->in;
	state->stream.avail_in = io->in_left;
	state->stream.next_out = io->out;
	state->stream.avail_out = io->out_left;
	code = lzma_code(&state->stream, io->in_end ? LZMA_FINISH : LZMA_RUN);
	io->in = state->stream.next_in;
	io->in_left = state->stream.avail_in;
	io->out = state->stream.next_out;
	io->out_left = state->stream.avail_out;
	if (code == LZMA_OK || code == LZMA_BUF_ERROR)
		return DECODE_MORE;
	if (code == LZMA_STREAM_END)
		return DECODE_MEMBER_END;
	if (code == LZMA_FORMAT_ERROR && state->stream.total_out > 0)
		return bmap_error_set(err, EBADMSG, "the xz data is followed by something else");
	return xz_failed(code, lzma_memusage(&state->stream), err);
}

static void xz_stop(struct decoder *decoder)
{
	struct xz_state *state = decoder->state;

	lzma_end(&state->stream);
	free(state);
}

/* ---- splitting (the .xz file format, sections 2 to 4) ---- */

struct xz_splitter {
	enum { STREAM_HEADER, BLOCK, IN_BLOCK, INDEX, FOOTER, PADDING } at;
	lzma_stream_flags flags;
	lzma_index_hash *hash; /* of the blocks seen, to be compared with the index */
	uint64_t block_left_bytes;
	bool has_stream; /* at least one stream has ended */
};

static int damaged(struct bmap_error *err, const char *what)
{
	return bmap_error_set(err, EBADMSG, "the xz data does not decode: its %s is damaged", what);
}

/*
 * Decodes a block header into *@block, and what its filters take of memory.  1: more bytes are
 * needed; 2: there is no block any more.
 */
static int parse_block_header(lzma_check check, const uint8_t *in, size_t len, lzma_block *block,
			      uint64_t *window_bytes, struct bmap_error *err)
{
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	uint32_t header_len;
	lzma_ret code;

	if (len == 0)
		return 1;
	if (in[0] == 0)
		return 2;
	header_len = lzma_block_header_size_decode(in[0]);
	if (len < header_len)
		return 1;
	*block = (lzma_block){
		.version = 1,
		.check = check,
		.header_size = header_len,
		.filters = filters,
	};
	code = lzma_block_header_decode(block, NULL, in);
	if (code != LZMA_OK)
		return xz_failed(code, 0, err);
	*window_bytes = lzma_raw_decoder_memusage(filters);
	free_filters(filters);
	block->filters = NULL;
	return 0;
}

static int split_stream_header(struct xz_splitter *splitter, const uint8_t *in, size_t len,
			       struct split *split, struct bmap_error *err)
{
	lzma_block block;
	uint64_t window_bytes = 0;
	lzma_ret code;
	int r;

	if (len < HEADER_LEN)
		return 0;
	code = lzma_stream_header_decode(&splitter->flags, in);
	if (code == LZMA_FORMAT_ERROR && splitter->has_stream)
		return bmap_error_set(err, EBADMSG, "the xz data is followed by something else");
	if (code != LZMA_OK)
		return xz_failed(code, 0, err);
	r = parse_block_header(splitter->flags.check, in + HEADER_LEN, len - HEADER_LEN, &block,
			       &window_bytes, err);
	if (r < 0 || r == 1)
		return r < 0 ? r : 0;
	if (r == 0 && (block.compressed_size == LZMA_VLI_UNKNOWN ||
		       block.uncompressed_size == LZMA_VLI_UNKNOWN)) {
		*split = (struct split){
			.begins = true,
			.piece = {.is_rest = true, .image_len_bytes = PIECE_LEN_UNKNOWN},
			.n_bytes = len,
			.n_used = len,
		};
		return 0;
	}
	splitter->hash = lzma_index_hash_init(splitter->hash, NULL);
	if (!splitter->hash)
		return bmap_error_set(err, ENOMEM, "out of memory");
	splitter->at = r == 2 ? INDEX : BLOCK;
	split->n_used = HEADER_LEN;
	return 0;
}

static void split_in_block(struct xz_splitter *splitter, size_t len, struct split *split)
{
	split->n_bytes = split->n_used = MIN(len, splitter->block_left_bytes);
	splitter->block_left_bytes -= split->n_used;
	split->ends = splitter->block_left_bytes == 0;
	if (split->ends)
		splitter->at = BLOCK;
}

static int split_block(struct xz_splitter *splitter, const uint8_t *in, size_t len,
		       struct split *split, struct bmap_error *err)
{
	lzma_block block;
	uint64_t window_bytes = 0;
	int r = parse_block_header(splitter->flags.check, in, len, &block, &window_bytes, err);

	if (r < 0 || r == 1)
		return r < 0 ? r : 0;
	if (r == 2) {
		splitter->at = INDEX;
		return 2;
	}
	splitter->block_left_bytes = lzma_block_total_size(&block);
	if (block.uncompressed_size == LZMA_VLI_UNKNOWN || splitter->block_left_bytes == 0 ||
	    splitter->block_left_bytes == LZMA_VLI_UNKNOWN)
		return bmap_error_set(
			err, EOPNOTSUPP,
			"the xz data has blocks with and without sizes in one stream: "
			"decompress it with xz and pass it on standard input");
	if (lzma_index_hash_append(splitter->hash, lzma_block_unpadded_size(&block),
				   block.uncompressed_size) != LZMA_OK)
		return damaged(err, "block header");
	split->begins = true;
	split->piece = (struct piece){
		.image_len_bytes = block.uncompressed_size,
		.window_bytes = window_bytes,
		.param = splitter->flags.check,
	};
	splitter->at = IN_BLOCK;
	split_in_block(splitter, len, split);
	return 0;
}

static int split_index(struct xz_splitter *splitter, const uint8_t *in, size_t len,
		       struct split *split, struct bmap_error *err)
{
	lzma_ret code;

	if (len == 0)
		return 0;
	code = lzma_index_hash_decode(splitter->hash, in, &split->n_used, len);
	if (code == LZMA_STREAM_END)
		splitter->at = FOOTER;
	return code == LZMA_OK || code == LZMA_STREAM_END ? 0 : damaged(err, "index");
}

static int split_footer(struct xz_splitter *splitter, const uint8_t *in, size_t len,
			struct split *split, struct bmap_error *err)
{
	lzma_stream_flags flags;

	if (len < HEADER_LEN)
		return 0;
	if (lzma_stream_footer_decode(&flags, in) != LZMA_OK ||
	    lzma_stream_flags_compare(&splitter->flags, &flags) != LZMA_OK ||
	    flags.backward_size != lzma_index_hash_size(splitter->hash))
		return damaged(err, "footer");
	splitter->has_stream = true;
	splitter->at = PADDING;
	split->n_used = HEADER_LEN;
	return 0;
}

/* Between streams: zeros, four at a time. */
static int split_padding(struct xz_splitter *splitter, const uint8_t *in, size_t len,
			 struct split *split, struct bmap_error *err)
{
	if (len == 0)
		return 0;
	if (in[0] != 0) {
		splitter->at = STREAM_HEADER;
		return 2;
	}
	if (len < 4)
		return 0;
	if (memcmp(in, "\0\0\0", 4))
		return bmap_error_set(err, EBADMSG, "the xz data is followed by something else");
	split->n_used = 4;
	return 0;
}

static int xz_split(void *opaque, const uint8_t *in, size_t len, bool end, struct split *split,
		    struct bmap_error *err)
{
	struct xz_splitter *splitter = opaque;
	int r;

	do { /* 2: it is the next thing's turn */
		switch (splitter->at) {
		case STREAM_HEADER:
			r = split_stream_header(splitter, in, len, split, err);
			break;
		case BLOCK:
			r = split_block(splitter, in, len, split, err);
			break;
		case IN_BLOCK:
			split_in_block(splitter, len, split);
			r = 0;
			break;
		case INDEX:
			r = split_index(splitter, in, len, split, err);
			break;
		case FOOTER:
			r = split_footer(splitter, in, len, split, err);
			break;
		default:
			r = split_padding(splitter, in, len, split, err);
			break;
		}
	} while (r == 2);
	if (r == 0 && split->n_used == 0 && end && !(splitter->at == PADDING && len == 0))
		return splitter->has_stream && splitter->at <= STREAM_HEADER
			       ? bmap_error_set(err, EBADMSG,
						"the xz data is followed by something else")
			       : bmap_error_set(err, ENODATA, "the xz data ends early");
	return r;
}

static void xz_split_stop(void *opaque)
{
	lzma_index_hash_end(((struct xz_splitter *)opaque)->hash, NULL);
}

/* ---- the index at the end ---- */

static void lzma_stream_endp(lzma_stream *stream)
{
	lzma_end(stream);
}

/* Feeds the file's last bytes, and wherever they point to, to liblzma. */
static int read_index(struct source *source, lzma_index **index, struct bmap_error *err)
{
	CLEANUP(lzma_stream_endp) lzma_stream stream = LZMA_STREAM_INIT;
	CLEANUP_FREE uint8_t *buf = malloc(64 << 10);
	uint64_t offset = 0, size;
	lzma_ret code;

	if (!buf || !source_size(source, &size))
		return bmap_error_set(err, ENOMEM, "out of memory");
	code = lzma_file_info_decoder(&stream, index, MAX_INDEX_MEMORY, size);
	while (code == LZMA_OK || code == LZMA_SEEK_NEEDED) {
		if (code == LZMA_SEEK_NEEDED) {
			offset = stream.seek_pos;
			stream.avail_in = 0;
		}
		if (stream.avail_in == 0) {
			ssize_t n = source_pread(source, buf, 64 << 10, offset, err);

			if (n < 0)
				return (int)n;
			stream.next_in = buf;
			stream.avail_in = (size_t)n;
			offset += (size_t)n;
			if (n == 0)
				return bmap_error_set(err, ENODATA, "the xz data ends early");
		}
		code = lzma_code(&stream, LZMA_RUN);
	}
	if (code == LZMA_FORMAT_ERROR || code == LZMA_DATA_ERROR)
		return bmap_error_set(err, EBADMSG,
				      "the xz data ends early, or is followed by something else");
	return code == LZMA_STREAM_END ? 0 : xz_failed(code, lzma_memusage(&stream), err);
}

/* What decoding the block at @offset takes; encoders give all blocks the same filters. */
static int read_window(struct source *source, uint64_t offset, lzma_check check,
		       uint64_t *window_bytes, struct bmap_error *err)
{
	uint8_t header[MAX_BLOCK_HEADER];
	lzma_block block;
	ssize_t n = source_pread(source, header, sizeof(header), offset, err);
	int r = n < 0 ? (int)n
		      : parse_block_header(check, header, (size_t)n, &block, window_bytes, err);

	return r > 0 ? damaged(err, "block header") : r;
}

static int xz_index(struct source *source, uint64_t image_size_bytes, struct piece_index *index,
		    struct bmap_error *err)
{
	lzma_index *blocks = NULL;
	lzma_index_iter iter;
	uint64_t window_bytes = 0;
	int r = read_index(source, &blocks, err);

	(void)image_size_bytes; /* the index says it */
	if (r < 0)
		return r;
	lzma_index_iter_init(&iter, blocks);
	while (r == 0 && !lzma_index_iter_next(&iter, LZMA_INDEX_ITER_BLOCK)) {
		struct piece piece = {
			.image_len_bytes = iter.block.uncompressed_size,
			.param = iter.stream.flags->check,
			.encoded_offset_bytes = iter.block.compressed_file_offset,
			.encoded_len_bytes = iter.block.total_size,
		};

		if (window_bytes == 0)
			r = read_window(source, piece.encoded_offset_bytes,
					iter.stream.flags->check, &window_bytes, err);
		piece.window_bytes = window_bytes;
		if (r == 0)
			r = piece_index_add(index, &piece, err);
	}
	lzma_index_end(blocks, NULL);
	return r;
}

static const struct splitter_ops xz_splitter_ops = {
	.state_size = sizeof(struct xz_splitter),
	.split = xz_split,
	.stop = xz_split_stop,
};

const struct codec codec_xz = {
	.name = "xz",
	.matches = xz_matches,
	.start = xz_start,
	.decode = xz_decode,
	.stop = xz_stop,
	.splitter = &xz_splitter_ops,
	.index = xz_index,
	.has_own_index = true,
};
