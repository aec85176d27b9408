/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * zstd (RFC 8878): pieces are frames.  Where they are says the seek table at the end of a file in
 * the seekable format (zstd's contrib/seekable_format/zstd_seekable_compression_format.md), else a
 * walk over the headers of a local file.
 */
#include <errno.h>
#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/checked.h"
#include "base/cleanup.h"
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

static const struct frame_format zstd_format = {
	.name = "zstd",
	.magic = ZSTD_MAGICNUMBER,
	.block_header_len = 3,
	.parse_header = parse_header,
	.parse_block = parse_block,
};

static int zstd_split(void *state, const uint8_t *in, size_t len, bool end, struct split *split,
		      struct bmap_error *err)
{
	return frame_split(state, &zstd_format, in, len, end, split, err);
}

#define SEEK_TABLE_MAGIC  0x184d2a5e /* of a skippable frame */
#define SEEK_FOOTER_MAGIC 0x8f92eab1
#define SEEK_FOOTER_LEN   9
#define SEEK_HEADER_LEN   8
#define SEEK_HAS_CHECKSUM 0x80
#define SEEK_RESERVED     0x7c

/* The entries of a seek table, of @entry_len bytes each. */
static int add_entries(struct piece_index *index, const uint8_t *entry, uint32_t n_frames,
		       size_t entry_len, uint64_t table_offset, struct bmap_error *err)
{
	uint64_t offset = 0;

	for (uint32_t i = 0; i < n_frames; i++, entry += entry_len) {
		const struct piece piece = {
			.encoded_offset_bytes = offset,
			.encoded_len_bytes = load_le32(entry),
			.image_len_bytes = load_le32(entry + 4),
		};

		offset += piece.encoded_len_bytes;
		/* Empty frames and skippable ones hold nothing. */
		if (piece.image_len_bytes && piece_index_add(index, &piece, err) < 0)
			return -err->code;
	}
	if (offset != table_offset)
		return bmap_error_set(err, EPROTO,
				      "the zstd data's seek table does not fit the frames");
	return 0;
}

/* Returns 1 when there is no seek table. */
static int read_seek_table(struct source *source, uint64_t size, struct piece_index *index,
			   struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *table = NULL;
	uint8_t footer[SEEK_FOOTER_LEN];
	size_t entry_len;
	uint64_t table_len;
	uint32_t n_frames;
	ssize_t n;

	if (size < SEEK_FOOTER_LEN + SEEK_HEADER_LEN)
		return 1;
	n = source_pread(source, footer, sizeof(footer), size - sizeof(footer), err);
	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(footer) || load_le32(footer + 5) != SEEK_FOOTER_MAGIC)
		return 1;
	n_frames = load_le32(footer);
	entry_len = footer[4] & SEEK_HAS_CHECKSUM ? 12 : 8;
	table_len = (uint64_t)n_frames * entry_len + SEEK_HEADER_LEN + SEEK_FOOTER_LEN;
	if ((footer[4] & SEEK_RESERVED) || n_frames > PIECE_INDEX_MAX_PIECES || table_len > size)
		return bmap_error_set(err, EPROTO, "the zstd data's seek table is damaged");
	table = malloc(table_len);
	if (!table)
		return bmap_error_set(err, ENOMEM, "out of memory");
	n = source_pread(source, table, table_len, size - table_len, err);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < table_len || load_le32(table) != SEEK_TABLE_MAGIC ||
	    load_le32(table + 4) != table_len - SEEK_HEADER_LEN)
		return bmap_error_set(err, EPROTO, "the zstd data's seek table is damaged");
	return add_entries(index, table + SEEK_HEADER_LEN, n_frames, entry_len, size - table_len,
			   err);
}

static int zstd_index(struct source *source, uint64_t image_size_bytes, struct piece_index *index,
		      struct bmap_error *err)
{
	uint64_t size, local_offset;
	int r;

	(void)image_size_bytes;
	if (!source_size(source, &size))
		return bmap_error_set(err, EOPNOTSUPP, "the size of the zstd data is not known");
	r = read_seek_table(source, size, index, err);
	if (r <= 0)
		return r;
	/* A block header each 128 KiB of the image: of a remote file that would be all of it. */
	if (source_local_fd(source, &local_offset) < 0)
		return bmap_error_set(err, EOPNOTSUPP, "the zstd data has no seek table");
	return frame_index(source, &zstd_format, index, err);
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
	.index = zstd_index,
};
