/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list itself, and what the codecs find in a file without decoding it. */
#include <unistd.h>

#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "codec/decoder_ops.h"
#include "codec/piece_index.h"
#include "source/source.h"
#include "unit.h"

START_TEST(pieces_stay_in_their_order)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};

	for (uint64_t i = 0; i < 1000; i++)
		OK(piece_index_add(&index, &(struct piece){.image_len_bytes = i}, &err));
	ck_assert_uint_eq(index.n_pieces, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(index.pieces[i].image_len_bytes, i);
	piece_index_fini(&index);
	ck_assert_uint_eq(index.n_pieces, 0);
}
END_TEST

START_TEST(a_piece_is_found_by_any_of_its_bytes)
{
	static const uint64_t lens[] = {1, 0, 10, 0, 0, 3};
	struct piece_index index = {0};
	struct bmap_error err = {0};
	uint64_t at = 0;

	ck_assert_uint_eq(piece_index_end(&index), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		OK(piece_index_add(&index, &(struct piece){.image_len_bytes = lens[i]}, &err));
		ck_assert_uint_eq(index.pieces[i].image_offset_bytes, at);
		at += lens[i];
		ck_assert_uint_eq(piece_index_end(&index), at);
	}
	ck_assert_uint_eq(piece_index_find(&index, 0), 0);
	for (uint64_t offset = 1; offset < at; offset++)
		ck_assert_uint_eq(piece_index_find(&index, offset), offset < 11 ? 2 : 5);
	FAILS(piece_index_add(&index, &(struct piece){.image_len_bytes = UINT64_MAX - 5}, &err),
	      EOVERFLOW, "");
	ck_assert_uint_eq(index.n_pieces, ARRAY_SIZE(lens));
	piece_index_fini(&index);
}
END_TEST

static int index_of(const char *codec, struct bytes bytes, uint64_t image_size,
		    struct piece_index *index, struct bmap_error *err)
{
	const struct source_options options = {0};
	struct source *source;
	int r;

	unlink("f"); /* some filesystems sync what is written over */
	write_file("f", bytes);
	ck_assert_int_eq(source_open(&source, "f", &options, err), 0);
	r = codec_by_name(codec)->index(source, image_size, index, err);
	source_close(source);
	return r;
}

static int read_index(struct bytes bytes, struct piece_index *index, struct bmap_error *err)
{
	return index_of("xz", bytes, PIECE_LEN_UNKNOWN, index, err);
}

/* All pieces of @in together are @image, or its beginning. */
static void check_pieces(const char *codec, struct bytes in, struct bytes image,
			 const struct piece_index *index)
{
	uint64_t at = 0;

	for (size_t i = 0; i < index->n_pieces; i++) {
		const struct piece *piece = &index->pieces[i];
		struct bmap_error err = {0};
		struct bytes out = {0};

		ck_assert_uint_eq(piece->image_offset_bytes, at);
		OK(decode_bytes(
			codec_by_name(codec),
			bytes_part(in, piece->encoded_offset_bytes, piece->encoded_len_bytes),
			(struct decode_steps){.in = 70000, .out = 90000, .piece = piece}, &out,
			&err));
		ASSERT_BYTES(out, bytes_part(image, at, piece->image_len_bytes));
		at += out.len;
	}
	ck_assert_uint_eq(piece_index_end(index), at);
}

/* The pieces are found, whether the size of the image is known or not. */
static void check_index(const char *codec, struct bytes in, struct bytes image, size_t n_pieces)
{
	for (size_t known = 0; known < 2; known++) {
		struct piece_index index = {0};
		struct bmap_error err = {0};

		OK(index_of(codec, in, known ? image.len : PIECE_LEN_UNKNOWN, &index, &err));
		ck_assert_uint_eq(index.n_pieces, n_pieces);
		ck_assert_uint_eq(piece_index_end(&index), image.len);
		check_pieces(codec, in, image, &index);
		piece_index_fini(&index);
	}
}

/* Only the beginning of @in is there: what is found all the same is right. */
static void check_cut(const char *codec, struct bytes in, struct bytes image)
{
	for (size_t len = 0; len<in.len; len += len> 100 && len + 1000 < in.len ? 611 : 1) {
		struct bytes part = bytes_part(in, 0, len);
		struct piece_index index = {0};
		struct bmap_error err = {0};
		int r = index_of(codec, part, PIECE_LEN_UNKNOWN, &index, &err);

		ck_assert_msg(r == 0 || r == -EBADMSG || r == -ENODATA || r == -EOPNOTSUPP ||
				      r == -EPROTO,
			      "%zu bytes: %d (%s)", len, r, err.message);
		if (r == 0)
			check_pieces(codec, part, image, &index);
		piece_index_fini(&index);
	}
}

/* Nothing that the file says leads out of it. */
static void check_damaged(const char *codec, struct bytes in)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};

	for (size_t i = 0; i < in.len; i += i == 40 && in.len > 120 ? in.len - 120 : 1) {
		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			struct piece_index index = {0};
			struct bmap_error err = {0};
			uint64_t at = 0;
			int r;

			in.data[i] ^= flips[j];
			r = index_of(codec, in, PIECE_LEN_UNKNOWN, &index, &err);
			for (size_t k = 0; r == 0 && k < index.n_pieces; k++) {
				const struct piece *piece = &index.pieces[k];

				ck_assert_uint_eq(piece->image_offset_bytes, at);
				ck_assert_uint_le(piece->encoded_offset_bytes, in.len);
				ck_assert_uint_le(piece->encoded_len_bytes,
						  in.len - piece->encoded_offset_bytes);
				at += piece->image_len_bytes;
			}
			piece_index_fini(&index);
			in.data[i] ^= flips[j];
		}
	}
}

static void check_no_index(const char *codec, struct bytes in, uint64_t image_size)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};

	FAILS(index_of(codec, in, image_size, &index, &err), EOPNOTSUPP, "");
	piece_index_fini(&index);
}

START_TEST(xz_index_finds_every_block)
{
	struct bytes text = bytes_text(100000), out;
	struct bytes blocks = encode_xz_blocks(text, 30000), plain = encode("xz", text);
	struct bytes in = bytes_join(blocks, bytes_join(bytes_zeros(8), plain));
	struct piece_index index = {0};
	struct bmap_error err = {0};
	uint64_t offset = 0;

	OK(read_index(in, &index, &err));
	ck_assert_uint_eq(index.n_pieces, 5); /* also of the stream whose blocks have no lengths */
	for (size_t i = 0; i < index.n_pieces; i++) {
		const struct piece *piece = &index.pieces[i];

		ck_assert(!piece->is_rest);
		OK(decode_bytes(
			codec_by_name("xz"),
			bytes_part(in, piece->encoded_offset_bytes, piece->encoded_len_bytes),
			(struct decode_steps){.in = 1000, .out = 1000, .piece = piece}, &out,
			&err));
		ck_assert_uint_eq(out.len, piece->image_len_bytes);
		ck_assert_mem_eq(out.data, text.data + offset % text.len, out.len);
		offset += out.len;
	}
	ck_assert_uint_eq(offset, 2 * text.len);
	piece_index_fini(&index);
}
END_TEST

START_TEST(xz_without_blocks_has_an_empty_index)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};

	OK(read_index(encode("xz", bytes_zeros(0)), &index, &err));
	ck_assert_uint_eq(index.n_pieces, 0);
	piece_index_fini(&index);
}
END_TEST

START_TEST(a_broken_xz_file_has_no_index)
{
	struct bytes in = encode_xz_blocks(bytes_text(3000), 1000);
	struct piece_index index = {0};
	struct bmap_error err = {0};

	for (size_t len = 0; len < in.len; len++) {
		int r = read_index(bytes_part(in, 0, len), &index, &err);

		ck_assert_msg(r == -EBADMSG || r == -ENODATA, "%zu bytes: %d", len, r);
		ck_assert_uint_eq(index.n_pieces, 0);
		err = (struct bmap_error){0};
	}
	FAILS(read_index(bytes_join(in, bytes_of("garbage.")), &index, &err), EBADMSG,
	      "followed by something else");
}
END_TEST

static void put_le32(uint8_t *p, uint32_t n)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

static struct bytes le32(uint32_t n)
{
	struct bytes bytes = bytes_zeros(4);

	put_le32(bytes.data, n);
	return bytes;
}

#if defined(HAVE_ZSTD) || defined(HAVE_LZ4)
static struct bytes skippable(struct bytes content)
{
	return bytes_join(bytes_join(le32(0x184d2a50), le32((uint32_t)content.len)), content);
}
#endif

/* ---- zstd ---- */

#ifdef HAVE_ZSTD
static struct bytes zstd_frame(struct bytes in, bool has_len)
{
	struct bytes out = bytes_zeros(ZSTD_compressBound(in.len));
	ZSTD_CCtx *context = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, has_len);
	out.len = ZSTD_compress2(context, out.data, out.len, in.data, in.len);
	ck_assert(!ZSTD_isError(out.len));
	ZSTD_freeCCtx(context);
	return out;
}

struct zstd_table {
	struct bytes entries;
	uint32_t n_entries;
	bool has_checksums;
};

static void add_entry(struct zstd_table *table, size_t encoded_len, size_t len)
{
	table->entries = bytes_join(table->entries,
				    bytes_join(le32((uint32_t)encoded_len), le32((uint32_t)len)));
	if (table->has_checksums)
		table->entries = bytes_join(table->entries, le32(12345));
	table->n_entries++;
}

static struct bytes seek_table(const struct zstd_table *table)
{
	struct bytes descriptor = bytes_zeros(1), footer;

	descriptor.data[0] = table->has_checksums ? 0x80 : 0;
	footer = bytes_join(bytes_join(le32(table->n_entries), descriptor), le32(0x8f92eab1));
	footer = bytes_join(table->entries, footer);
	return bytes_join(bytes_join(le32(0x184d2a5e), le32((uint32_t)footer.len)), footer);
}

/* Frames of 30000 bytes, and an empty one between them. */
static struct bytes zstd_frames(struct bytes image, bool have_len, struct zstd_table *table)
{
	struct bytes out = bytes_zeros(0), frame;

	for (size_t at = 0; at < image.len; at += 30000) {
		size_t len = MIN((size_t)30000, image.len - at);

		frame = zstd_frame(bytes_part(image, at, len), have_len);
		add_entry(table, frame.len, len);
		out = bytes_join(out, frame);
		if (at == 30000) {
			frame = zstd_frame(bytes_zeros(0), have_len);
			add_entry(table, frame.len, 0);
			out = bytes_join(out, frame);
		}
	}
	return out;
}

/* As zstd_frames() makes them: whether the empty one is a piece is no matter. */
static void check_frames(struct bytes in, struct bytes image)
{
	for (size_t known = 0; known < 2; known++) {
		struct piece_index index = {0};
		struct bmap_error err = {0};

		OK(index_of("zstd", in, known ? image.len : PIECE_LEN_UNKNOWN, &index, &err));
		ck_assert(index.n_pieces == 4 || index.n_pieces == 5);
		ck_assert_uint_eq(piece_index_end(&index), image.len);
		check_pieces("zstd", in, image, &index);
		piece_index_fini(&index);
	}
}
#endif

START_TEST(a_zstd_seek_table_says_where_frames_are)
{
#ifdef HAVE_ZSTD
	struct bytes image = bytes_text(100000), in;

	for (size_t i = 0; i < 4; i++) {
		struct zstd_table table = {.has_checksums = i & 1};

		in = zstd_frames(image, i & 2, &table);
		in = bytes_join(in, seek_table(&table));
		check_frames(in, image);
		check_cut("zstd", in, image);
		if (i < 2)
			check_damaged("zstd", in);
	}
#endif
}
END_TEST

START_TEST(a_zstd_seek_table_that_lies_is_not_believed)
{
#ifdef HAVE_ZSTD
	struct bytes image = bytes_text(100000), frames, in;
	struct zstd_table right = {0}, table;

	frames = zstd_frames(image, false, &right);
	for (size_t i = 0; i < 6; i++) {
		struct piece_index index = {0};
		struct bmap_error err = {0};
		int r;

		table = right;
		table.entries = bytes_join(right.entries, bytes_zeros(0));
		if (i == 0) /* more frames than there are */
			table.n_entries = 1000;
		else if (i == 1)
			table.n_entries = UINT32_MAX;
		else if (i == 2) /* one that is not there */
			add_entry(&table, 1000, 1000);
		else if (i == 3) /* fewer */
			table = (struct zstd_table){0};
		else if (i == 4) /* longer ones */
			put_le32(table.entries.data, 1000000);
		else
			add_entry(&table, UINT32_MAX, UINT32_MAX);
		in = bytes_join(frames, seek_table(&table));
		r = index_of("zstd", in, PIECE_LEN_UNKNOWN, &index, &err);
		ck_assert_msg(r == -EOPNOTSUPP || r == -EBADMSG || r == -EPROTO, "%zu: %d (%s)", i,
			      r, err.message);
		piece_index_fini(&index);
	}
#endif
}
END_TEST

START_TEST(zstd_frames_that_say_their_length_are_found)
{
#ifdef HAVE_ZSTD
	struct bytes image = bytes_text(100000), in;
	struct zstd_table table = {0};

	in = zstd_frames(image, true, &table);
	check_frames(in, image);
	check_cut("zstd", in, image);
	check_damaged("zstd", in);
	in = bytes_join(skippable(bytes_text(100)), bytes_join(in, skippable(bytes_zeros(0))));
	check_frames(in, image);
	check_cut("zstd", in, image);
	check_index("zstd", zstd_frame(image, true), image, 1);
	check_index("zstd", zstd_frame(bytes_random(500000, 1), true), bytes_random(500000, 1), 1);
	in = zstd_frames(image, false, &table);
	check_no_index("zstd", in, PIECE_LEN_UNKNOWN);
	check_no_index("zstd", in, image.len);
	in = bytes_join(zstd_frame(image, true), in);
	check_no_index("zstd", in, PIECE_LEN_UNKNOWN);
#endif
}
END_TEST

/* ---- lz4 ---- */

#ifdef HAVE_LZ4
#define INDEPENDENT     1
#define HAS_LEN         2
#define HAS_BLOCK_SUMS  4
#define HAS_SUM         8
#define N_LZ4_FLAGS     16
#define LZ4_BLOCK_BYTES (64 << 10)

static struct bytes lz4_frame(struct bytes in, unsigned int flags)
{
	const LZ4F_preferences_t preferences = {
		.frameInfo = {.blockSizeID = LZ4F_max64KB,
			      .blockMode = flags & INDEPENDENT ? LZ4F_blockIndependent
							       : LZ4F_blockLinked,
			      .contentChecksumFlag = !!(flags & HAS_SUM),
			      .blockChecksumFlag = !!(flags & HAS_BLOCK_SUMS),
			      .contentSize = flags & HAS_LEN ? in.len : 0}};
	struct bytes out = bytes_zeros(LZ4F_compressFrameBound(in.len, &preferences));

	out.len = LZ4F_compressFrame(out.data, out.len, in.data, in.len, &preferences);
	ck_assert(!LZ4F_isError(out.len));
	return out;
}
#endif

START_TEST(lz4_blocks_are_found)
{
#ifdef HAVE_LZ4
	/* the second half is not compressed; the last block is not whole */
	struct bytes image = bytes_join(bytes_text(200000), bytes_random(200000, 1));
	size_t n_blocks = DIV_ROUND_UP(image.len, LZ4_BLOCK_BYTES);

	for (unsigned int flags = 0; flags < N_LZ4_FLAGS; flags++) {
		struct bytes in = lz4_frame(image, flags);
		struct piece_index index = {0};
		struct bmap_error err = {0};
		int r = index_of("lz4", in, PIECE_LEN_UNKNOWN, &index, &err);

		ck_assert_msg(r == 0 || r == -EOPNOTSUPP, "%u: %d (%s)", flags, r, err.message);
		ck_assert_msg(r == 0 ||
				      (flags & (INDEPENDENT | HAS_LEN)) != (INDEPENDENT | HAS_LEN),
			      "%u: %s", flags, err.message);
		if (r == 0) {
			check_pieces("lz4", in, image, &index);
			ck_assert_uint_eq(piece_index_end(&index), image.len);
			ck_assert_uint_eq(index.n_pieces, flags & INDEPENDENT ? n_blocks : 1);
		}
		piece_index_fini(&index);
		/* the map may say it too */
		r = index_of("lz4", in, image.len, &index, &err);
		ck_assert_msg(r == 0 || r == -EOPNOTSUPP, "%u: %d (%s)", flags, r, err.message);
		ck_assert_msg(r == 0 || !(flags & INDEPENDENT), "%u: %s", flags, err.message);
		if (r == 0)
			check_pieces("lz4", in, image, &index);
		piece_index_fini(&index);
		if (flags & HAS_LEN)
			check_cut("lz4", in, image);
		if (flags == (INDEPENDENT | HAS_LEN | HAS_BLOCK_SUMS))
			check_damaged("lz4", in);
	}
#endif
}
END_TEST

START_TEST(lz4_frames_behind_each_other_are_found)
{
#ifdef HAVE_LZ4
	struct bytes parts[3] = {bytes_text(100000), bytes_text(65536), bytes_random(70001, 1)};
	struct bytes in = bytes_zeros(0), image = bytes_zeros(0);

	for (size_t i = 0; i < 3; i++) {
		in = bytes_join(in, lz4_frame(parts[i], INDEPENDENT | HAS_LEN | HAS_SUM));
		in = bytes_join(in, skippable(bytes_text(i * 10)));
		image = bytes_join(image, parts[i]);
	}
	check_index("lz4", in, image, 2 + 1 + 2);
	check_cut("lz4", in, image);
	check_index("lz4", lz4_frame(bytes_of("x"), INDEPENDENT | HAS_LEN), bytes_of("x"), 1);
#endif
}
END_TEST

/* ---- gzip ---- */

/* A member of BGZF. */
static struct bytes bgzf_member(struct bytes in)
{
	static const uint8_t head[18] = {31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 'B', 'C', 2, 0};
	struct bytes out = bytes_zeros(in.len + 1000);
	z_stream stream = {.next_in = in.data, .avail_in = (unsigned int)in.len};

	memcpy(out.data, head, sizeof(head));
	ck_assert_int_eq(deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_out = out.data + sizeof(head);
	stream.avail_out = (unsigned int)(out.len - sizeof(head));
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out.len = sizeof(head) + stream.total_out;
	deflateEnd(&stream);
	out = bytes_join(out, bytes_join(le32((uint32_t)crc32(0, in.data, (unsigned int)in.len)),
					 le32((uint32_t)in.len)));
	out.data[16] = (uint8_t)(out.len - 1);
	out.data[17] = (uint8_t)((out.len - 1) >> 8);
	return out;
}

static struct bytes bgzf(struct bytes image)
{
	struct bytes out = bytes_zeros(image.len + 100000), member;
	size_t len = 0;

	for (size_t at = 0; at < image.len; at += 65280) {
		member = bgzf_member(bytes_part(image, at, MIN((size_t)65280, image.len - at)));
		memcpy(out.data + len, member.data, member.len);
		len += member.len;
	}
	out.len = len;
	return bytes_join(out, bgzf_member(bytes_zeros(0))); /* the end mark */
}

START_TEST(bgzf_members_are_found)
{
	struct bytes image = bytes_text(3000000), in = bgzf(image);

	for (size_t known = 0; known < 2; known++) {
		struct piece_index index = {0};
		struct bmap_error err = {0};

		OK(index_of("gzip", in, known ? image.len : PIECE_LEN_UNKNOWN, &index, &err));
		ck_assert_uint_ge(index.n_pieces, 2);
		ck_assert_uint_eq(piece_index_end(&index), image.len);
		check_pieces("gzip", in, image, &index);
		piece_index_fini(&index);
	}
	image = bytes_text(70000);
	in = bgzf(image);
	check_index("gzip", in, image, 1);
	check_cut("gzip", in, image);
	check_damaged("gzip", in);
	in = bgzf_member(bytes_of("x")); /* without an end mark */
	check_index("gzip", in, bytes_of("x"), 1);
}
END_TEST

START_TEST(other_gzip_says_nothing)
{
	struct bytes image = bytes_text(70000), plain = encode("gzip", image), in = bgzf(image);

	check_no_index("gzip", plain, PIECE_LEN_UNKNOWN);
	check_no_index("gzip", plain, image.len);
	check_no_index("gzip", bytes_join(in, plain), PIECE_LEN_UNKNOWN);
	check_no_index("gzip", bytes_join(plain, in), PIECE_LEN_UNKNOWN);
	check_no_index("gzip", bytes_join(in, bytes_of("garbage")), PIECE_LEN_UNKNOWN);
}
END_TEST

UNIT_MAIN("piece_index", pieces_stay_in_their_order, a_piece_is_found_by_any_of_its_bytes,
	  xz_index_finds_every_block, xz_without_blocks_has_an_empty_index,
	  a_broken_xz_file_has_no_index, a_zstd_seek_table_says_where_frames_are,
	  a_zstd_seek_table_that_lies_is_not_believed, zstd_frames_that_say_their_length_are_found,
	  lz4_blocks_are_found, lz4_frames_behind_each_other_are_found, bgzf_members_are_found,
	  other_gzip_says_nothing)
