/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces found in a stream, and decoded each on its own. */
#include <stdlib.h>

#include "codec/piece.h"
#include "codec/splitter.h"
#include "unit.h"

#ifdef HAVE_BZIP2
#include <bzlib.h>
#endif

#define MAX_PIECES 100

/* A piece with its encoded bytes. */
struct cut {
	struct piece piece;
	struct bytes bytes;
	size_t capacity;
};

struct cuts {
	struct cut cuts[MAX_PIECES];
	size_t n;
};

static void take(struct cut *cut, const uint8_t *data, size_t len)
{
	if (cut->bytes.len + len > cut->capacity) {
		struct bytes larger = bytes_zeros(2 * (cut->bytes.len + len));

		cut->capacity = larger.len;
		larger.len = cut->bytes.len;
		if (larger.len)
			memcpy(larger.data, cut->bytes.data, larger.len);
		cut->bytes = larger;
	}
	memcpy(cut->bytes.data + cut->bytes.len, data, len);
	cut->bytes.len += len;
}

/* Cuts @in, which arrives in steps of @step bytes. */
static int cut(const char *name, struct bytes in, size_t step, struct cuts *cuts,
	       struct bmap_error *err)
{
	size_t at = 0, len = 0;
	struct splitter *splitter;
	bool in_piece = false;
	int r;

	*cuts = (struct cuts){0};
	ck_assert_int_eq(splitter_new(&splitter, codec_by_name(name), err), 0);
	for (;;) {
		bool end;
		struct split split;
		uint8_t *window;

		len = MIN(len, in.len - at);
		end = at + len == in.len;
		window = malloc(len + 1); /* of the size that it may see, for the sanitizer */
		memcpy(window, in.data + at, len);
		r = splitter_next(splitter, window, len, end, &split, err);
		free(window);
		if (r < 0)
			break;
		ck_assert_uint_le(split.n_used, split.n_bytes ? split.n_bytes : len);
		ck_assert_uint_le(split.n_bytes, len);
		if (split.begins) {
			ck_assert(!in_piece);
			ck_assert_uint_lt(cuts->n, MAX_PIECES);
			cuts->cuts[cuts->n++].piece = split.piece;
			in_piece = true;
		}
		if (split.n_bytes) {
			ck_assert(in_piece);
			take(&cuts->cuts[cuts->n - 1], in.data + at, split.n_bytes);
		}
		if (split.ends) {
			ck_assert(in_piece);
			cuts->cuts[cuts->n - 1].piece.n_last_bits = split.n_last_bits;
			in_piece = false;
		}
		at += split.n_used;
		if (split.n_used || split.begins || split.ends) {
			len -= MIN(len, split.n_used);
			len = MAX(len, 1u);
		} else if (end) {
			ck_assert_uint_eq(at, in.len);
			break;
		} else {
			ck_assert_uint_lt(len, SPLITTER_LOOKAHEAD + step);
			len += step;
		}
	}
	splitter_free(splitter);
	return r;
}

static void check_same(const struct cuts *a, const struct cuts *b)
{
	ck_assert_uint_eq(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct piece *p = &a->cuts[i].piece, *q = &b->cuts[i].piece;

		ck_assert_int_eq(p->is_rest, q->is_rest);
		ck_assert_uint_eq(p->image_len_bytes, q->image_len_bytes);
		ck_assert_uint_eq(p->param, q->param);
		ck_assert_uint_eq(p->first_bit, q->first_bit);
		ck_assert_uint_eq(p->n_last_bits, q->n_last_bits);
		ASSERT_BYTES(a->cuts[i].bytes, b->cuts[i].bytes);
	}
}

static struct bytes decode_pieces(const char *name, const struct cuts *cuts, size_t step)
{
	struct bytes all = bytes_zeros(0);

	for (size_t i = 0; i < cuts->n; i++) {
		const struct cut *one = &cuts->cuts[i];
		struct bmap_error err = {0};
		struct bytes out = {0};

		OK(decode_bytes(
			codec_by_name(name), one->bytes,
			(struct decode_steps){.in = step, .out = step + 1, .piece = &one->piece},
			&out, &err));
		if (one->piece.image_len_bytes != PIECE_LEN_UNKNOWN)
			ck_assert_uint_eq(out.len, one->piece.image_len_bytes);
		all = bytes_join(all, out);
	}
	return all;
}

/* Cuts at every step size; the pieces are @n_pieces and hold @expected.  Returns them. */
static struct cuts check_pieces(const char *name, struct bytes in, size_t n_pieces,
				struct bytes expected)
{
	static const size_t steps[] = {4096, 7, 1};
	struct bmap_error err = {0};
	struct cuts first, other;

	OK(cut(name, in, in.len + 1, &first, &err));
	ck_assert_msg(first.n == n_pieces, "%s: %zu pieces, not %zu", name, first.n, n_pieces);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (in.len / steps[i] > 20000)
			continue;
		OK(cut(name, in, steps[i], &other, &err));
		if (!first.cuts[0].piece.is_rest)
			check_same(&first, &other);
	}
	ASSERT_BYTES(decode_pieces(name, &first, 4096), expected);
	ASSERT_BYTES(decode_pieces(name, &first, 1 << 20), expected);
	return first;
}

START_TEST(frames_are_pieces)
{
	static const char *const names[] = {"zstd", "lz4"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = names[i];
		struct bytes one = bytes_text(30000), two = bytes_random(20000, 1), in;
		struct bytes skippable = bytes_of("\x5f\x2a\x4d\x18\x05...12345");
		struct cuts cuts;

		if (!codec_or_note(name))
			continue;
		memset(skippable.data + 5, 0, 3);
		in = bytes_join(encode(name, one), encode(name, two));
		cuts = check_pieces(name, in, 2, bytes_join(one, two));
		ck_assert_uint_eq(cuts.cuts[0].piece.image_len_bytes, 30000);
		ck_assert_uint_eq(cuts.cuts[1].piece.image_len_bytes, 20000);
		/* skippable frames in front, between, behind; an empty frame */
		in = bytes_join(skippable, bytes_join(encode(name, one), skippable));
		in = bytes_join(in, bytes_join(encode(name, bytes_zeros(0)), encode(name, two)));
		check_pieces(name, bytes_join(in, skippable), 3, bytes_join(one, two));
	}
}
END_TEST

START_TEST(what_the_tools_write_is_cut_as_well)
{
	static const struct {
		const char *codec, *argv[8];
	} tools[] = {
		{"zstd", {"zstd", "-q", "-c", "f"}},
		{"zstd", {"zstd", "-q", "--no-check", "-c", "f"}},
		{"zstd", {"zstd", "-q", "-19", "--long", "-c", "f"}},
		{"lz4", {"lz4", "-q", "-BD", "-c", "f"}},
		{"lz4", {"lz4", "-q", "-BX", "--no-frame-crc", "-c", "f"}},
		{"lz4", {"lz4", "-q", "--content-size", "-c", "f"}},
	};
	struct bytes text = bytes_join(bytes_text(60000), bytes_random(10000, 2));

	write_file("f", text);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		struct bytes in;

		if (!codec_or_note(tools[i].codec))
			continue;
		if (!has_tool(tools[i].argv[0])) {
			unit_note("%s is not here: what it writes is not tested", tools[i].argv[0]);
			continue;
		}
		in = run_tool(tools[i].argv);
		check_pieces(tools[i].codec, bytes_join(in, in), 2, bytes_join(text, text));
	}
}
END_TEST

START_TEST(xz_blocks_with_lengths_are_pieces)
{
	struct bytes text = bytes_text(100000), in = encode_xz_blocks(text, 30000);
	struct bytes padded = bytes_join(in, bytes_zeros(8)), empty = encode("xz", bytes_zeros(0));
	struct cuts cuts = check_pieces("xz", in, 4, text);

	ck_assert_uint_eq(cuts.cuts[3].piece.image_len_bytes, 10000);
	/* several streams, padding between and behind, a stream without blocks */
	check_pieces("xz", bytes_join(padded, bytes_join(empty, padded)), 8,
		     bytes_join(text, text));
	check_pieces("xz", empty, 0, bytes_zeros(0));
}
END_TEST

START_TEST(xz_without_lengths_is_one_piece)
{
	struct bytes text = bytes_text(100000), plain = encode("xz", text);
	struct cuts cuts = check_pieces("xz", plain, 1, text);

	ck_assert(cuts.cuts[0].piece.is_rest);
	/* from there on, whatever follows */
	cuts = check_pieces("xz",
			    bytes_join(encode_xz_blocks(text, 50000),
				       bytes_join(plain, encode_xz_blocks(text, 50000))),
			    3, bytes_join(text, bytes_join(text, text)));
	ck_assert(!cuts.cuts[1].piece.is_rest);
	ck_assert(cuts.cuts[2].piece.is_rest);
}
END_TEST

START_TEST(gzip_and_lzop_are_one_piece)
{
	static const char *const names[] = {"gzip", "lzop"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct bytes text = bytes_text(50000), in;

		if (!codec_or_note(names[i]))
			continue;
		in = encode(names[i], text);
		check_pieces(names[i], bytes_join(in, in), 1, bytes_join(text, text));
	}
}
END_TEST

START_TEST(truncation_is_an_error_at_every_byte)
{
	for (const char *const *name = codec_names; *name; name++) {
		struct bytes text = bytes_text(400), in;

		if (!codec_or_note(*name))
			continue;
		in = strcmp(*name, "xz") ? encode(*name, text) : encode_xz_blocks(text, 100);
		for (size_t len = 0; len < in.len; len++) {
			struct bmap_error err = {0};
			struct cuts cuts;
			int r = cut(*name, bytes_part(in, 0, len), 1000, &cuts, &err);

			/* What has no pieces is the decoder's business. */
			if (r == 0 && cuts.n == 1 && cuts.cuts[0].piece.is_rest)
				continue;
			ck_assert_msg(r == -ENODATA || r == -EBADMSG,
				      "%s cut to %zu of %zu: %d (%s)", *name, len, in.len, r,
				      err.message);
			ck_assert_int_eq(err.code, -r);
		}
	}
}
END_TEST

START_TEST(garbage_behind_is_an_error)
{
	static const char *const names[] = {"xz", "zstd", "bzip2", "lz4"};
	struct bytes garbage = bytes_random(1000, 3);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct bytes text = bytes_text(400), in;
		struct bmap_error err = {0};
		struct cuts cuts;

		if (!codec_or_note(names[i]))
			continue;
		in = strcmp(names[i], "xz") ? encode(names[i], text) : encode_xz_blocks(text, 100);
		for (size_t step = 1; step <= 1000; step *= 1000)
			FAILS(cut(names[i], bytes_join(in, garbage), step, &cuts, &err), EBADMSG,
			      "data is followed by something else");
	}
}
END_TEST

START_TEST(a_wrong_xz_index_is_an_error)
{
	struct bytes in = encode_xz_blocks(bytes_text(1000), 300), bad;
	struct bmap_error err = {0};
	struct cuts cuts;

	/* The footer has 12 bytes; the index ends with its checksum in front of it. */
	for (size_t back = 1; back <= 20; back++) {
		bad = bytes_join(in, bytes_zeros(0));
		bad.data[in.len - back] ^= 1;
		FAILS(cut("xz", bad, 100, &cuts, &err), EBADMSG, "is damaged");
	}
}
END_TEST

/* ---- bzip2, whose blocks begin at any bit ---- */

#ifdef HAVE_BZIP2

START_TEST(bzip2_blocks_are_pieces)
{
	struct bytes text = bytes_join(bytes_text(250000), bytes_random(250000, 4));
	struct bytes in = encode("bzip2", text); /* level 1: blocks of 100 kB */
	struct cuts cuts;
	struct bmap_error err = {0};
	size_t n_bits = 0;

	OK(cut("bzip2", in, in.len + 1, &cuts, &err));
	ck_assert_uint_ge(cuts.n, 5);
	cuts = check_pieces("bzip2", in, cuts.n, text);
	for (size_t i = 0; i < cuts.n; i++) {
		ck_assert_uint_eq(cuts.cuts[i].piece.param, 1);
		ck_assert_uint_eq(cuts.cuts[i].piece.image_len_bytes, PIECE_LEN_UNKNOWN);
		n_bits += cuts.cuts[i].piece.first_bit != 0;
	}
	ck_assert_uint_gt(n_bits, 0); /* else nothing was tested */
}
END_TEST

START_TEST(bzip2_streams_follow_each_other)
{
	struct bytes one = bytes_text(120000), two = bytes_random(1000, 5);
	struct bytes empty = encode("bzip2", bytes_zeros(0));
	struct bytes in = bytes_join(encode("bzip2", one), encode("bzip2", two));

	check_pieces("bzip2", in, 3, bytes_join(one, two));
	in = bytes_join(empty, bytes_join(in, bytes_join(empty, in)));
	check_pieces("bzip2", in, 6, bytes_join(bytes_join(one, two), bytes_join(one, two)));
	check_pieces("bzip2", empty, 0, bytes_zeros(0));
}
END_TEST

struct bit_writer {
	uint8_t data[4096];
	size_t n_bits;
};

static void put(struct bit_writer *out, uint64_t value, unsigned int n)
{
	while (n--) {
		ck_assert_uint_lt(out->n_bits / 8, sizeof(out->data));
		if (value >> n & 1)
			out->data[out->n_bits / 8] |= (uint8_t)(0x80 >> out->n_bits % 8);
		out->n_bits++;
	}
}

#define N_USED    62
#define SYMBOL    6 /* bits: 62 bytes and two codes for runs and end, all of one length */
#define N_SYMBOLS 400
#define TRAP_AT   100 /* the symbols before it are a run-up */

/*
 * A bzip2 stream of one block whose coded data holds @magic, @shift bits behind the border of a
 * symbol: with 64 codes of 6 bits, any bits are symbols, unless six ones (the end) are among them.
 */
static struct bytes make_trap(uint64_t magic, unsigned int shift, uint32_t crc)
{
	struct bit_writer out = {0};
	size_t begin;

	put(&out, 0x425a6839, 32); /* BZh9 */
	put(&out, 0x314159265359, 48);
	put(&out, crc, 32);
	put(&out, 0, 1);
	put(&out, 3, 24); /* the origin: any will do */
	put(&out, 0xf000, 16);
	put(&out, 0xffff, 16);
	put(&out, 0xffff, 16);
	put(&out, 0xffff, 16);
	put(&out, 0xfffc, 16); /* 62 bytes are used */
	put(&out, 2, 3);
	put(&out, (N_SYMBOLS + 1 + 49) / 50, 15);
	for (int i = 0; i < (N_SYMBOLS + 1 + 49) / 50; i++)
		put(&out, 0, 1);
	for (int table = 0; table < 2; table++) {
		put(&out, SYMBOL, 5);
		for (int i = 0; i < N_USED + 2; i++)
			put(&out, 0, 1);
	}
	begin = out.n_bits;
	for (unsigned int i = 0; i < TRAP_AT; i++)
		put(&out, 2 + i * 7 % 59, SYMBOL);
	put(&out, 0, shift);
	put(&out, magic, 48);
	put(&out, 0, (SYMBOL - (48 + shift) % SYMBOL) % SYMBOL);
	while (out.n_bits < begin + (size_t)N_SYMBOLS * SYMBOL)
		put(&out, 2 + out.n_bits * 5 % 59, SYMBOL);
	put(&out, N_USED + 1, SYMBOL);
	put(&out, 0x177245385090, 48);
	put(&out, crc, 32);
	out.n_bits += 7;
	return bytes_join((struct bytes){out.data, out.n_bits / 8}, bytes_zeros(0));
}

/* What libbz2 makes of it, and the checksum that it should have had. */
static struct bytes decode_trap(struct bytes in, uint32_t *crc)
{
	struct bytes out = bytes_zeros(1 << 20);
	bz_stream stream = {
		.next_in = (char *)in.data,
		.avail_in = (unsigned int)in.len,
		.next_out = (char *)out.data,
		.avail_out = (unsigned int)out.len,
	};

	ck_assert_int_eq(BZ2_bzDecompressInit(&stream, 0, 0), BZ_OK);
	while (BZ2_bzDecompress(&stream) == BZ_OK && stream.avail_in)
		;
	out.len -= stream.avail_out;
	BZ2_bzDecompressEnd(&stream);
	*crc = 0xffffffff;
	for (size_t i = 0; i < out.len; i++) {
		*crc ^= (uint32_t)out.data[i] << 24;
		for (int bit = 0; bit < 8; bit++)
			*crc = *crc << 1 ^ (*crc >> 31 ? 0x04c11db7 : 0);
	}
	*crc = ~*crc;
	return out;
}

/*
 * The bits that begin a block, or end a stream, in the middle of a block's data.  That a whole
 * head of a block follows them by chance is not tested: no splitter could know better.
 */
START_TEST(bzip2_magic_by_chance_is_no_border)
{
	static const uint64_t magics[] = {0x314159265359, 0x177245385090};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		for (unsigned int shift = 0; shift < SYMBOL; shift++) {
			uint32_t crc, wrong;
			struct bytes expected = decode_trap(make_trap(magics[i], shift, 0), &crc);
			struct bytes in = make_trap(magics[i], shift, crc), again;

			ck_assert_uint_gt(expected.len, 0);
			again = decode_trap(in, &wrong);
			ck_assert_uint_eq(wrong, crc);
			ASSERT_BYTES(again, expected);
			check_pieces("bzip2", in, 1, expected);
			check_pieces("bzip2", bytes_join(in, in), 2,
				     bytes_join(expected, expected));
		}
	}
}
END_TEST

START_TEST(bzip2_stream_checksum_is_compared)
{
	struct bytes in = encode("bzip2", bytes_text(1000));
	struct bmap_error err = {0};
	struct cuts cuts;

	in.data[in.len - 3] ^= 0x40;
	FAILS(cut("bzip2", in, 100, &cuts, &err), EBADMSG, "the checksum of a stream is wrong");
}
END_TEST

#define BZIP2_TESTS \
	bzip2_blocks_are_pieces, bzip2_streams_follow_each_other, \
		bzip2_magic_by_chance_is_no_border, bzip2_stream_checksum_is_compared
#else
START_TEST(no_bzip2)
{
	codec_or_note("bzip2");
}
END_TEST

#define BZIP2_TESTS no_bzip2
#endif

UNIT_MAIN("splitter", frames_are_pieces, what_the_tools_write_is_cut_as_well,
	  xz_blocks_with_lengths_are_pieces, xz_without_lengths_is_one_piece,
	  gzip_and_lzop_are_one_piece, truncation_is_an_error_at_every_byte,
	  garbage_behind_is_an_error, a_wrong_xz_index_is_an_error, BZIP2_TESTS)
