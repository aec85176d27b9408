/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* zstd (RFC 8878): pieces are frames. */
#include <errno.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/checked.h"
#include "codec/decoder_ops.h"
#include "codec/frame_splitter.h"

#define MIN_WINDOW_LOG 20
#define HAS_CHECKSUM   4 /* in a frame header's descriptor */

static bool zstd_matches(const uint8_t *head, size_t len)
{
	return frame_matches(head, len, ZSTD_MAGICNUMBER);
}

/* The largest window (as its logarithm) that fits into the memory allowed. */
static int window_log(uint64_t max_memory_bytes)
{
	int log = MIN_WINDOW_LOG;

	while (log < ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound &&
	       UINT64_C(2) << log <= max_memory_bytes)
		log++;
	return log;
}

static int zstd_start(struct decoder *decoder, struct bmap_error *err)
{
	ZSTD_DCtx *state = decoder->state;

	if (!state) {
		decoder->state = state = ZSTD_createDCtx();
		if (!state)
			return bmap_error_set(err, ENOMEM, "out of memory");
		ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax,
				       window_log(decoder->max_memory_bytes));
	}
	ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
	return 0;
}

static int zstd_failed(size_t code, struct bmap_error *err)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_frameParameter_windowTooLarge:
	case ZSTD_error_memory_allocation:
		return bmap_error_set(err, ENOMEM,
				      "the zstd data needs more memory to decode than is allowed "
				      "(see --memory)");
	case ZSTD_error_dictionary_wrong:
		return bmap_error_set(err, EOPNOTSUPP,
				      "the zstd data was compressed with a dictionary");
	default:
		return bmap_error_set(err, EBADMSG, "the zstd data does not decode: %s",
				      ZSTD_getErrorName(code));
	}
}

static int zstd_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	ZSTD_inBuffer in = {.src = io->in, .size = io->in_left};
	ZSTD_outBuffer out = {.dst = io->out, .size = io->out_left};
	size_t left = ZSTD_decompressStream(decoder->state, &out, &in);

	if (ZSTD_isError(left))
		return zstd_failed(left, err);
	io->in += in.pos;
	io->in_left -= in.pos;
	io->out += out.pos;
	io->out_left -= out.pos;
	return left == 0 ? DECODE_MEMBER_END : DECODE_MORE;
}

static void zstd_stop(struct decoder *decoder)
{
	ZSTD_freeDCtx(decoder->state);
}

/* RFC 8878 section 3.1.1.1 */
static size_t parse_header(const uint8_t *in, uint64_t *content_len, uint64_t *window_bytes,
			   unsigned int *flags)
{
	static const unsigned int dictionary_lens[] = {0, 1, 2, 4};
	static const unsigned int content_lens[] = {0, 2, 4, 8};
	unsigned int descriptor = in[4];
	bool is_single = descriptor & 0x20;
	unsigned int content_field = content_lens[descriptor >> 6];
	size_t at = (size_t)5 + !is_single + dictionary_lens[descriptor & 3];

	if (content_field == 0 && is_single)
		content_field = 1;
	*flags = descriptor & HAS_CHECKSUM;
	*content_len = content_field == 1   ? in[at]
		       : content_field == 2 ? load_le16(in + at) + UINT64_C(256)
		       : content_field == 4 ? load_le32(in + at)
		       : content_field == 8 ? load_le64(in + at)
					    : PIECE_LEN_UNKNOWN;
	/* Without a window of its own the content is the window. */
	*window_bytes =
		is_single ? *content_len : (UINT64_C(8) + (in[5] & 7)) << (7 + (in[5] >> 3));
	return at + content_field;
}

/* RFC 8878 section 3.1.1.2 */
static bool parse_block(const uint8_t *in, unsigned int flags, uint64_t *len)
{
	unsigned int header = in[0] | (unsigned int)in[1] << 8 | (unsigned int)in[2] << 16;
	bool is_last = header & 1;
	bool is_run = (header >> 1 & 3) == 1; /* only one byte of it is there */

	*len = UINT64_C(3) + (is_run ? 1 : header >> 3);
	if (is_last && (flags & HAS_CHECKSUM))
		*len += 4;
	return is_last;
}

static int zstd_split(void *state, const uint8_t *in, size_t len, bool end, struct split *split,
		      struct bmap_error *err)
{
	static const struct frame_format format = {
		.name = "zstd",
		.magic = ZSTD_MAGICNUMBER,
		.block_header_len = 3,
		.parse_header = parse_header,
		.parse_block = parse_block,
	};

	return frame_split(state, &format, in, len, end, split, err);
}

static const struct splitter_ops zstd_splitter_ops = {
	.state_size = sizeof(struct frame_splitter),
	.split = zstd_split,
};

const struct codec codec_zstd = {
	.name = "zstd",
	.matches = zstd_matches,
	.start = zstd_start,
	.decode = zstd_decode,
	.stop = zstd_stop,
	.splitter = &zstd_splitter_ops,
};
