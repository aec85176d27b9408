/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list itself, and the index that xz keeps at the end of a file. */
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

static int read_index(struct bytes bytes, struct piece_index *index, struct bmap_error *err)
{
	const struct source_options options = {0};
	struct source *source;
	int r;

	write_file("f", bytes);
	ck_assert_int_eq(source_open(&source, "f", &options, err), 0);
	r = codec_by_name("xz")->index(source, PIECE_LEN_UNKNOWN, index, err);
	source_close(source);
	return r;
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

UNIT_MAIN("piece_index", pieces_stay_in_their_order, xz_index_finds_every_block,
	  xz_without_blocks_has_an_empty_index, a_broken_xz_file_has_no_index)
