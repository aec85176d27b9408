/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "codec/bzip2_splitter.h"

#define MAGIC_BITS  48
#define BLOCK_MAGIC UINT64_C(0x314159265359)
#define END_MAGIC   UINT64_C(0x177245385090)
#define MAGIC_MASK  ((UINT64_C(1) << MAGIC_BITS) - 1)
/* The magic and the 32 bits of checksum behind it. */
#define MARK_BITS (MAGIC_BITS + 32)
/* The tables of a block take 15 KiB at the most when an encoder wrote them. */
#define MAX_TABLES_LEN (32 << 10)

#define MAX_BLOCK_LEN 900000
#define MIN_GROUPS    2
#define MAX_GROUPS    6
#define MAX_CODE_LEN  20

struct bzip2_splitter {
	enum { STREAM_HEADER, MARK, IN_BLOCK } at;
	unsigned int bit;   /* of the first byte, where the next thing begins */
	unsigned int level; /* '1' to '9' in the stream header */
	uint32_t crc;       /* of the blocks of this stream so far */
	bool has_stream;
	bool begins; /* the block's first bytes have not been handed out yet */
	unsigned int first_bit;
	uint64_t scan_bit; /* in a block: where to look for the next mark from */
};

/* Reads single bits, highest first. */
struct bit_reader {
	const uint8_t *in;
	uint64_t at, n_bits;
};

/* -1: there are not so many bits. */
static int64_t read_bits(struct bit_reader *reader, unsigned int n)
{
	int64_t value = 0;

	if (reader->n_bits - reader->at < n)
		return -1;
	for (; n; n--, reader->at++)
		value = value << 1 | (reader->in[reader->at >> 3] >> (7 - (reader->at & 7)) & 1);
	return value;
}

enum verdict { NO, YES, UNKNOWN /* more bytes are needed */ };

/* The lengths of one coding table: a first one, then steps up and down (libbz2's decompress.c). */
static enum verdict check_table(struct bit_reader *reader, unsigned int n_symbols)
{
	int64_t len = read_bits(reader, 5), bit;

	for (unsigned int i = 0; i < n_symbols; i++) {
		for (;;) {
			if (len < 0)
				return UNKNOWN;
			if (len < 1 || len > MAX_CODE_LEN)
				return NO;
			bit = read_bits(reader, 1);
			if (bit == 0)
				break;
			if (bit < 0 || (bit = read_bits(reader, 1)) < 0)
				return UNKNOWN;
			len += bit ? -1 : 1;
		}
	}
	return YES;
}

static enum verdict check_symbols(struct bit_reader *reader, unsigned int *n_symbols)
{
	int64_t groups = read_bits(reader, 16);

	*n_symbols = 2;
	if (groups <= 0)
		return groups < 0 ? UNKNOWN : NO;
	for (int i = 0; i < 16; i++) {
		int64_t used = groups >> i & 1 ? read_bits(reader, 16) : 0;

		if (used < 0)
			return UNKNOWN;
		if ((groups >> i & 1) && used == 0)
			return NO; /* no encoder marks a group in which nothing is used */
		*n_symbols += (unsigned int)__builtin_popcountll((uint64_t)used);
	}
	return YES;
}

/* Does what stands behind a block's magic look like the head of a block? */
static enum verdict check_block(struct bit_reader reader)
{
	unsigned int n_symbols;
	enum verdict verdict;
	int64_t origin, n_groups, n_selectors;

	if (reader.n_bits - reader.at < MARK_BITS + 1)
		return UNKNOWN;
	reader.at += MARK_BITS + 1; /* and the "randomised" bit */
	origin = read_bits(&reader, 24);
	if (origin < 0 || origin > MAX_BLOCK_LEN)
		return origin < 0 ? UNKNOWN : NO;
	verdict = check_symbols(&reader, &n_symbols);
	if (verdict != YES)
		return verdict;
	n_groups = read_bits(&reader, 3);
	n_selectors = read_bits(&reader, 15);
	if (n_groups < 0 || n_selectors < 0)
		return UNKNOWN;
	if (n_groups < MIN_GROUPS || n_groups > MAX_GROUPS || n_selectors == 0)
		return NO;
	for (int64_t i = 0; i < n_selectors; i++) {
		int64_t bit, ones = 0;

		while ((bit = read_bits(&reader, 1)) == 1 && ++ones < n_groups)
			;
		if (bit < 0)
			return UNKNOWN;
		if (ones >= n_groups)
			return NO;
	}
	for (int64_t i = 0; i < n_groups && verdict == YES; i++)
		verdict = check_table(&reader, n_symbols);
	return verdict;
}

/*
 * Is an end mark real?  When its checksum fits, or when it is followed by the end of the input or
 * by another stream.
 */
static enum verdict check_end(const struct bzip2_splitter *splitter, struct bit_reader reader,
			      bool end)
{
	const uint8_t *next;
	uint64_t left;
	int64_t crc;

	reader.at += MAGIC_BITS;
	crc = read_bits(&reader, 32);
	if (crc < 0)
		return UNKNOWN;
	if ((uint32_t)crc == splitter->crc)
		return YES;
	next = reader.in + DIV_ROUND_UP(reader.at, 8);
	left = reader.n_bits / 8 - DIV_ROUND_UP(reader.at, 8);
	if (left == 0)
		return end ? YES : UNKNOWN;
	if (left < 10)
		return end ? NO : UNKNOWN;
	return memcmp(next, "BZh", 3) == 0 && (memcmp(next + 4, BZIP2_BLOCK_MAGIC, 6) == 0 ||
					       memcmp(next + 4, BZIP2_END_MAGIC, 6) == 0);
}

/*
 * Which shifts of the last 64 bits can hold a magic at all: of 7 bytes behind each other, byte 4
 * lies inside the magic at every shift, so its value leaves few shifts to look at (mostly none).
 */
static unsigned int possible_shifts(uint64_t bits)
{
	uint8_t byte = (uint8_t)(bits >> 16);
	unsigned int shifts = 0;

	for (unsigned int shift = 0; shift < 8; shift++) {
		if (byte == (uint8_t)(BLOCK_MAGIC >> (16 - shift)) ||
		    byte == (uint8_t)(END_MAGIC >> (16 - shift)))
			shifts |= 1u << shift;
	}
	return shifts;
}

/* Marks every byte value for which possible_shifts() finds something. */
static void make_filter(bool *filter)
{
	for (unsigned int byte = 0; byte < 256; byte++)
		filter[byte] = possible_shifts((uint64_t)byte << 16) != 0;
}

/* The first bit at or behind @from where a magic stands; UINT64_MAX: there is none. */
static uint64_t find_magic(const uint8_t *in, size_t len, uint64_t from)
{
	bool filter[256];
	uint64_t bits = 0;
	size_t first = (size_t)(from / 8);

	make_filter(filter);
	for (size_t i = first; i < len; i++) {
		bits = bits << 8 | in[i];
		if (i < first + 5 || !filter[(uint8_t)(bits >> 16)])
			continue;
		for (int shift = 7; shift >= 0; shift--) {
			uint64_t value = bits >> shift & MAGIC_MASK;
			uint64_t end_bit = 8 * (uint64_t)(i + 1) - (unsigned int)shift;

			if ((value == BLOCK_MAGIC || value == END_MAGIC) &&
			    end_bit >= from + MAGIC_BITS)
				return end_bit - MAGIC_BITS;
		}
	}
	return UINT64_MAX;
}

static int split_header(struct bzip2_splitter *splitter, const uint8_t *in, size_t len, bool end,
			struct split *split, struct bmap_error *err)
{
	if (len < 4 && !end)
		return 0;
	if (len == 0 && splitter->has_stream)
		return 0;
	if (len < 4 || memcmp(in, "BZh", 3) || in[3] < '1' || in[3] > '9')
		return splitter->has_stream
			       ? bmap_error_set(err, EBADMSG,
						"the bzip2 data is followed by something else")
			       : bmap_error_set(err, ENODATA, "the bzip2 data ends early");
	splitter->level = (unsigned int)(in[3] - '0');
	splitter->crc = 0;
	splitter->bit = 0;
	splitter->at = MARK;
	split->n_used = 4;
	return 0;
}

/* The mark of a block, or of the end of the stream, at the current bit. */
static int split_mark(struct bzip2_splitter *splitter, const uint8_t *in, size_t len,
		      struct split *split, struct bmap_error *err)
{
	struct bit_reader reader = {in, splitter->bit, 8 * (uint64_t)len};
	int64_t magic = read_bits(&reader, MAGIC_BITS), crc = read_bits(&reader, 32);

	if (magic < 0 || crc < 0)
		return 0;
	if ((uint64_t)magic == END_MAGIC) {
		if ((uint32_t)crc != splitter->crc)
			return bmap_error_set(err, EBADMSG,
					      "the bzip2 data does not decode: the checksum of a "
					      "stream is wrong");
		splitter->at = STREAM_HEADER;
		splitter->has_stream = true;
		split->n_used = (size_t)DIV_ROUND_UP(reader.at, 8);
		return 0;
	}
	if ((uint64_t)magic != BLOCK_MAGIC)
		return bmap_error_set(err, EBADMSG,
				      "the bzip2 data does not decode: it is damaged");
	splitter->crc = (splitter->crc << 1 | splitter->crc >> 31) ^ (uint32_t)crc;
	splitter->first_bit = splitter->bit;
	splitter->scan_bit = splitter->bit + MARK_BITS;
	splitter->begins = true;
	splitter->at = IN_BLOCK;
	return 2;
}

/* Hands out @n_bytes of the block, of which @n_used are done with. */
static void give_bytes(struct bzip2_splitter *splitter, struct split *split, size_t n_bytes,
		       size_t n_used)
{
	split->n_bytes = n_bytes;
	split->n_used = n_used;
	split->begins = splitter->begins;
	if (splitter->begins)
		split->piece = (struct piece){
			.image_len_bytes = PIECE_LEN_UNKNOWN,
			.param = splitter->level,
			.first_bit = splitter->first_bit,
		};
	splitter->begins = false;
	splitter->scan_bit -= MIN(splitter->scan_bit, 8 * (uint64_t)n_used);
}

static void end_block(struct bzip2_splitter *splitter, struct split *split, uint64_t border)
{
	give_bytes(splitter, split, (size_t)DIV_ROUND_UP(border, 8), (size_t)(border / 8));
	split->ends = true;
	split->n_last_bits = border % 8;
	splitter->bit = border % 8;
	splitter->at = MARK;
}

static int split_block(struct bzip2_splitter *splitter, const uint8_t *in, size_t len, bool end,
		       struct split *split)
{
	for (;;) {
		uint64_t border = find_magic(in, len, splitter->scan_bit);
		struct bit_reader reader = {in, border, 8 * (uint64_t)len}, peek = reader;
		enum verdict verdict;

		if (border == UINT64_MAX) {
			/* All but what may be the beginning of a mark. */
			if (len > 7) {
				splitter->scan_bit =
					MAX(splitter->scan_bit, 8 * (uint64_t)(len - 7));
				give_bytes(splitter, split, len - 7, len - 7);
			}
			return 0;
		}
		verdict = read_bits(&peek, MAGIC_BITS) == (int64_t)END_MAGIC
				  ? check_end(splitter, reader, end)
				  : check_block(reader);
		if (verdict == UNKNOWN && !end && len - border / 8 < MAX_TABLES_LEN) {
			/* Give what lies before it, and look again when more is there. */
			if (border / 8 > 0) {
				splitter->scan_bit = border;
				give_bytes(splitter, split, (size_t)(border / 8),
					   (size_t)(border / 8));
			}
			return 0;
		}
		if (verdict == YES) {
			end_block(splitter, split, border);
			return 0;
		}
		splitter->scan_bit = border + 1;
	}
}

static int bzip2_split(void *opaque, const uint8_t *in, size_t len, bool end, struct split *split,
		       struct bmap_error *err)
{
	struct bzip2_splitter *splitter = opaque;
	int r = 0;

	if (splitter->at == STREAM_HEADER)
		return split_header(splitter, in, len, end, split, err);
	if (splitter->at == MARK)
		r = split_mark(splitter, in, len, split, err);
	if (r == 2 || (r == 0 && splitter->at == IN_BLOCK))
		r = split_block(splitter, in, len, end, split);
	if (r == 0 && end && split->n_used == 0 && !split->ends)
		return bmap_error_set(err, ENODATA, "the bzip2 data ends early");
	return r;
}

const struct splitter_ops bzip2_splitter_ops = {
	.state_size = sizeof(struct bzip2_splitter),
	.split = bzip2_split,
};
