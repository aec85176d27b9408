/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "codec/piece_index_file.h"
#include "unit.h"

#define ENCODED_SIZE 1000000

static const struct piece pieces[] = {
	{.encoded_offset_bytes = 4,
	 .encoded_len_bytes = 1000,
	 .image_len_bytes = 90000,
	 .param = 9,
	 .first_bit = 3,
	 .n_last_bits = 5},
	{.encoded_offset_bytes = 1003,
	 .encoded_len_bytes = 20000,
	 .image_len_bytes = UINT64_C(5) << 30,
	 .window_bytes = 1 << 20,
	 .param = 0x7123,
	 .n_last_bits = 1},
	{.encoded_offset_bytes = 21003,
	 .encoded_len_bytes = ENCODED_SIZE - 21003,
	 .image_len_bytes = 7},
};
#define N_PIECES ARRAY_SIZE(pieces)

static void make_index(struct piece_index *index)
{
	struct bmap_error err = {0};

	*index = (struct piece_index){0};
	for (size_t i = 0; i < N_PIECES; i++)
		OK(piece_index_add(index, &pieces[i], &err));
}

static void write_index(const char *path)
{
	struct piece_index index;
	struct bmap_error err = {0};

	make_index(&index);
	OK(piece_index_write(&index, path, "bzip2", ENCODED_SIZE, &err));
	piece_index_fini(&index);
}

static void check_same(const struct piece_index *read)
{
	struct piece_index index;

	make_index(&index);
	ck_assert_uint_eq(read->n_pieces, N_PIECES);
	for (size_t i = 0; i < N_PIECES; i++) {
		const struct piece *a = &read->pieces[i], *b = &index.pieces[i];

		ck_assert_uint_eq(a->image_offset_bytes, b->image_offset_bytes);
		ck_assert_uint_eq(a->image_len_bytes, b->image_len_bytes);
		ck_assert_uint_eq(a->encoded_offset_bytes, b->encoded_offset_bytes);
		ck_assert_uint_eq(a->encoded_len_bytes, b->encoded_len_bytes);
		ck_assert_uint_eq(a->window_bytes, b->window_bytes);
		ck_assert_uint_eq(a->param, b->param);
		ck_assert_uint_eq(a->first_bit, b->first_bit);
		ck_assert_uint_eq(a->n_last_bits, b->n_last_bits);
		ck_assert(!a->is_rest);
		ck_assert(!a->is_checkpoint && !a->window);
	}
	piece_index_fini(&index);
}

START_TEST(what_was_written_is_read)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};

	write_file("kept", bytes_of("of before")); /* it is replaced */
	write_index("kept");
	OK(piece_index_read(&index, "kept", "bzip2", ENCODED_SIZE, &err));
	check_same(&index);
	piece_index_fini(&index);
}
END_TEST

START_TEST(an_index_of_no_pieces)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};

	OK(piece_index_write(&index, "kept", "zstd", 0, &err));
	OK(piece_index_read(&index, "kept", "zstd", 0, &err));
	ck_assert_uint_eq(index.n_pieces, 0);
	piece_index_fini(&index);
}
END_TEST

START_TEST(it_is_of_one_file_and_codec)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};

	write_index("kept");
	FAILS(piece_index_read(&index, "none", "bzip2", ENCODED_SIZE, &err), ENOENT, "'none'");
	FAILS(piece_index_read(&index, "kept", "bzip2", ENCODED_SIZE + 1, &err), EBADMSG, "'kept'");
	FAILS(piece_index_read(&index, "kept", "zstd", ENCODED_SIZE, &err), EBADMSG, "'kept'");
	FAILS(piece_index_read(&index, "kept", "bzip", ENCODED_SIZE, &err), EBADMSG, "'kept'");
	FAILS(piece_index_read(&index, "kept", "bzip22", ENCODED_SIZE, &err), EBADMSG, "'kept'");
	ck_assert_uint_eq(index.n_pieces, 0);
	piece_index_fini(&index);
}
END_TEST

START_TEST(what_cannot_be_written_says_why)
{
	struct piece_index index;
	struct bmap_error err = {0};

	make_index(&index);
	FAILS(piece_index_write(&index, "no/such/folder", "bzip2", ENCODED_SIZE, &err), ENOENT,
	      "'no/such/folder'");
	FAILS(piece_index_write(&index, "/dev/full", "bzip2", ENCODED_SIZE, &err), ENOSPC,
	      "'/dev/full'");
	piece_index_fini(&index);
}
END_TEST

START_TEST(a_damaged_one_is_not_used)
{
	struct piece_index index = {0};
	struct bmap_error err = {0};
	struct bytes bytes;

	write_index("kept");
	bytes = read_file("kept");
	for (size_t len = 0; len < bytes.len; len++) {
		unlink("kept");
		write_file("kept", bytes_part(bytes, 0, len));
		FAILS(piece_index_read(&index, "kept", "bzip2", ENCODED_SIZE, &err), EPROTO,
		      "'kept'");
		piece_index_fini(&index);
	}
	unlink("kept");
	write_file("kept", bytes_join(bytes, bytes_zeros(1)));
	FAILS(piece_index_read(&index, "kept", "bzip2", ENCODED_SIZE, &err), EPROTO, "'kept'");
	write_file("kept", bytes_random(bytes.len, 1));
	FAILS(piece_index_read(&index, "kept", "bzip2", ENCODED_SIZE, &err), EPROTO, "'kept'");
	piece_index_fini(&index);
}
END_TEST

/* Any byte of it may be another: what is read all the same holds together. */
START_TEST(a_lying_one_does_no_harm)
{
	struct bytes bytes;

	write_index("kept");
	bytes = read_file("kept");
	for (size_t i = 0; i < bytes.len; i++) {
		static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xff};

		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			struct piece_index index = {0};
			struct bmap_error err = {0};
			uint64_t at = 0;
			int r;

			bytes.data[i] ^= flips[j];
			unlink("kept");
			write_file("kept", bytes);
			r = piece_index_read(&index, "kept", "bzip2", ENCODED_SIZE, &err);
			ck_assert_msg(r == 0 || r == -EPROTO || r == -EBADMSG || r == -EOVERFLOW,
				      "byte %zu: %d (%s)", i, r, err.message);
			for (size_t k = 0; r == 0 && k < index.n_pieces; k++) {
				const struct piece *piece = &index.pieces[k];

				ck_assert_uint_eq(piece->image_offset_bytes, at);
				ck_assert_msg(piece->encoded_offset_bytes <= ENCODED_SIZE &&
						      piece->encoded_len_bytes <=
							      ENCODED_SIZE -
								      piece->encoded_offset_bytes,
					      "byte %zu: piece %zu lies outside of the file", i, k);
				ck_assert_msg(!piece->window, "byte %zu: a pointer", i);
				ck_assert_msg(piece->first_bit < 8 && piece->n_last_bits < 8,
					      "byte %zu: bits", i);
				ck_assert(piece->image_len_bytes <= INT64_MAX - at);
				at += piece->image_len_bytes;
			}
			bytes.data[i] ^= flips[j];
			piece_index_fini(&index);
		}
	}
}
END_TEST

START_TEST(it_is_private)
{
	struct stat st;

	umask(022);
	write_index("kept");
	ck_assert_int_eq(stat("kept", &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(st.st_mode & 022, 0); /* nobody else writes there what we believe */
}
END_TEST

UNIT_MAIN("piece_index_file", what_was_written_is_read, an_index_of_no_pieces,
	  it_is_of_one_file_and_codec, what_cannot_be_written_says_why, a_damaged_one_is_not_used,
	  a_lying_one_does_no_harm, it_is_private)
