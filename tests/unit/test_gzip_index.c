/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoints of a gzip file: made, written, read again, and decoded from. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "codec/gzip_index.h"
#include "unit.h"

#define STEP   (64 << 10)
#define HEADER 35
#define POINT  18

/* What one decoding makes of @in: an index with a point each @step bytes of @map. */
static struct gzip_index *make_index(struct bytes in, uint64_t step, const struct bmap *map,
				     size_t max_in, struct bytes *image)
{
	struct bytes out = bytes_zeros(image->len + 1);
	struct gzip_index_maker maker = {0};
	struct bmap_error err = {0};
	struct decoder_io io = {.in = in.data, .out = out.data, .out_left = out.len};
	int r = 0;

	OK(gzip_stream_new(&maker.stream, &err));
	gzip_stream_start(maker.stream, NULL);
	gzip_stream_want_border(maker.stream, 0);
	OK(gzip_index_new(&maker.index, step, map, ".", &err));
	for (size_t at = 0; r == 0 && at < MIN(max_in, in.len);) {
		size_t len = MIN((size_t)5000, MIN(max_in, in.len) - at);

		io.in_left = len;
		io.in_end = at + len == in.len;
		r = gzip_stream_run(maker.stream, &io, gzip_index_take_border, &maker, &err);
		OK(r);
		at += len - io.in_left;
	}
	ck_assert_int_eq(r, max_in >= in.len);
	out.len -= io.out_left;
	if (max_in >= in.len)
		ASSERT_BYTES(out, *image);
	image->len = out.len;
	gzip_stream_free(maker.stream);
	return maker.index;
}

static struct gzip_index *write_and_open(struct gzip_index *made, struct bytes in, size_t image_len)
{
	struct gzip_index *index = NULL;
	struct bmap_error err = {0};

	OK(gzip_index_write(made, "f.gzidx", in.len, image_len, &err));
	OK(gzip_index_open(&index, open("f.gzidx", O_RDONLY | O_CLOEXEC), "f.gzidx", in.len,
			   image_len ? image_len : PIECE_LEN_UNKNOWN, &err));
	ck_assert_uint_eq(gzip_index_n_points(index), gzip_index_n_points(made));
	gzip_index_free(made);
	return index;
}

static void check_piece(struct bytes in, const struct piece *piece, struct bytes image, size_t step)
{
	struct bmap_error err = {0};
	struct bytes out = {0};

	ck_assert(piece->is_checkpoint);
	OK(decode_bytes(codec_by_name("gzip"),
			bytes_part(in, piece->encoded_offset_bytes, piece->encoded_len_bytes),
			(struct decode_steps){.in = step, .out = step + 1, .piece = piece}, &out,
			&err));
	ASSERT_BYTES(out, bytes_part(image, piece->image_offset_bytes, piece->image_len_bytes));
}

/* Each piece on its own, the last one first. */
static void check_pieces(const struct gzip_index *index, struct bytes in, struct bytes image)
{
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	struct piece rest = {0};
	uint64_t end = 0;

	OK(gzip_index_pieces(index, &pieces, &rest, &err));
	ck_assert(!rest.is_checkpoint);
	ck_assert_uint_eq(pieces.n_pieces, gzip_index_n_points(index));
	ck_assert_uint_eq(piece_index_end(&pieces), image.len);
	for (size_t i = 0; i < pieces.n_pieces; i++) {
		ck_assert_uint_eq(pieces.pieces[i].image_offset_bytes, end);
		end += pieces.pieces[i].image_len_bytes;
	}
	for (size_t i = pieces.n_pieces; i-- > 0;) {
		check_piece(in, &pieces.pieces[i], image, 10000);
		check_piece(in, &pieces.pieces[i], image, i == 1 ? 1 : 1 << 20);
	}
	piece_index_fini(&pieces);
}

static struct bytes gzip_of(struct bytes image, int level, size_t flush_each)
{
	struct bytes out = bytes_zeros(image.len + image.len / 8 + 100000);
	z_stream z = {.next_in = image.data, .next_out = out.data, .avail_out = (uInt)out.len};

	ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (size_t at = 0; at < image.len; at = z.total_in) {
		z.avail_in = (uInt)MIN(image.len - at, flush_each);
		ck_assert_int_eq(deflate(&z, Z_FULL_FLUSH), Z_OK);
	}
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

static struct bytes mixed(size_t len, unsigned int seed)
{
	return bytes_join(bytes_text(len / 2), bytes_random(len - len / 2, seed));
}

START_TEST(every_piece_decodes_on_its_own)
{
	struct bytes image = mixed(1500000, 1), made = image, in = encode("gzip", image);
	struct gzip_index *index = make_index(in, STEP, NULL, in.len, &made);

	ck_assert_uint_ge(gzip_index_n_points(index), 8);
	index = write_and_open(index, in, image.len);
	check_pieces(index, in, image);
	gzip_index_free(index);
}
END_TEST

START_TEST(other_ways_to_compress)
{
	struct bytes image = mixed(700000, 2), parts[2];
	struct bytes ins[] = {
		gzip_of(image, 9, 1 << 30),
		gzip_of(image, 1, 100000),
		gzip_of(image, 0, 1 << 30),
		bytes_zeros(0),
		bytes_zeros(0),
	};

	/* members behind each other, an empty one among them, that begin within a piece */
	parts[0] = bytes_part(image, 0, 300001);
	parts[1] = bytes_part(image, 300001, image.len - 300001);
	ins[3] = bytes_join(encode("gzip", parts[0]),
			    bytes_join(encode("gzip", bytes_zeros(0)), encode("gzip", parts[1])));
	for (size_t at = 0; at < image.len; at += 20000)
		ins[4] = bytes_join(
			ins[4],
			encode("gzip", bytes_part(image, at, MIN((size_t)20000, image.len - at))));
	for (size_t i = 0; i < ARRAY_SIZE(ins); i++) {
		struct bytes made = image;
		struct gzip_index *index = make_index(ins[i], STEP, NULL, ins[i].len, &made);

		ck_assert_uint_ge(gzip_index_n_points(index), 2);
		index = write_and_open(index, ins[i], image.len);
		check_pieces(index, ins[i], image);
		gzip_index_free(index);
	}
}
END_TEST

START_TEST(an_image_of_a_few_bytes)
{
	for (size_t len = 0; len < 3; len++) {
		struct bytes image = bytes_text(len), made = image, in = encode("gzip", image);
		struct gzip_index *index = make_index(in, STEP, NULL, in.len, &made);
		struct piece_index pieces = {0};
		struct bmap_error err = {0};
		struct piece rest = {0};

		OK(gzip_index_write(index, "f.gzidx", in.len, len, &err));
		OK(gzip_index_pieces(index, &pieces, &rest, &err));
		piece_index_fini(&pieces);
		gzip_index_free(index);
	}
}
END_TEST

START_TEST(a_partial_index_says_how_to_go_on)
{
	struct bytes image = mixed(1500000, 3), made = image, in = encode("gzip", image);
	struct bytes out = bytes_zeros(image.len);
	struct gzip_stream *stream = NULL;
	struct decoder_io io;
	struct gzip_index *index = make_index(in, STEP, NULL, in.len * 2 / 3, &made);
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	struct piece rest = {0};

	index = write_and_open(index, in, 0);
	OK(gzip_index_pieces(index, &pieces, &rest, &err));
	ck_assert_uint_eq(pieces.n_pieces, gzip_index_n_points(index) - 1);
	ck_assert_uint_gt(pieces.n_pieces, 2);
	ck_assert(rest.is_checkpoint);
	ck_assert_uint_eq(rest.image_offset_bytes, piece_index_end(&pieces));
	ck_assert_uint_le(rest.image_offset_bytes, made.len);
	for (size_t i = 0; i < pieces.n_pieces; i++)
		check_piece(in, &pieces.pieces[i], image, 10000);
	ck_assert_uint_eq(rest.encoded_offset_bytes + rest.encoded_len_bytes, in.len);
	/* the rest reaches to the end of the file, and its trailer is there */
	rest.image_len_bytes = image.len - rest.image_offset_bytes;
	check_piece(in, &rest, image, 10000);
	rest.image_len_bytes = PIECE_LEN_UNKNOWN;
	io = (struct decoder_io){
		.in = in.data + rest.encoded_offset_bytes,
		.in_left = rest.encoded_len_bytes,
		.in_end = true,
		.out = out.data,
		.out_left = out.len,
	};
	OK(gzip_stream_new(&stream, &err));
	gzip_stream_start(stream, &rest);
	ck_assert_int_eq(gzip_stream_run(stream, &io, NULL, NULL, &err), 1);
	out.len -= io.out_left;
	ASSERT_BYTES(out, bytes_part(image, rest.image_offset_bytes,
				     image.len - rest.image_offset_bytes));
	gzip_stream_free(stream);
	piece_index_fini(&pieces);
	gzip_index_free(index);
}
END_TEST

START_TEST(a_copy_goes_on_where_the_other_ended)
{
	struct bytes image = mixed(1500000, 4), made = image, in = encode("gzip", image);
	struct bytes out = bytes_zeros(image.len);
	struct gzip_index *first =
		write_and_open(make_index(in, STEP, NULL, in.len / 2, &made), in, 0);
	size_t n_points = gzip_index_n_points(first);
	struct gzip_index_maker maker = {0};
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	struct piece rest = {0};
	struct decoder_io io;

	OK(gzip_index_new(&maker.index, STEP, NULL, ".", &err));
	OK(gzip_index_copy(maker.index, first, &err));
	ck_assert_uint_eq(gzip_index_n_points(maker.index), n_points);
	OK(gzip_index_pieces(first, &pieces, &rest, &err));
	OK(gzip_stream_new(&maker.stream, &err));
	gzip_stream_start(maker.stream, &rest);
	gzip_stream_want_border(maker.stream, 0);
	io = (struct decoder_io){
		.in = in.data + rest.encoded_offset_bytes,
		.in_left = rest.encoded_len_bytes,
		.in_end = true,
		.out = out.data,
		.out_left = out.len,
	};
	ck_assert_int_eq(gzip_stream_run(maker.stream, &io, gzip_index_take_border, &maker, &err),
			 1);
	ck_assert_uint_gt(gzip_index_n_points(maker.index), n_points);
	piece_index_fini(&pieces);
	gzip_stream_free(maker.stream);
	gzip_index_free(first);
	first = write_and_open(maker.index, in, image.len);
	check_pieces(first, in, image);
	gzip_index_free(first);
}
END_TEST

START_TEST(a_hole_has_one_point_at_its_end)
{
	const struct bmap_range ranges[] = {{0, 16}, {2048, 16}};
	struct bytes image = bytes_zeros(9 << 20), made = image, in;
	struct bytes text = bytes_text(16 * 4096), noise = bytes_random(16 * 4096, 5);
	struct bmap *map = map_of(NULL, image.len, 4096, ranges, ARRAY_SIZE(ranges));
	struct gzip_index *all, *some;
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	struct piece rest = {0};

	memcpy(image.data, text.data, text.len);
	memcpy(image.data + ((size_t)2048 << 12), noise.data, noise.len);
	in = gzip_of(image, 6, 1 << 20);
	all = make_index(in, 1 << 20, NULL, in.len, &made);
	some = make_index(in, 1 << 20, map, in.len, &made);
	ck_assert_uint_ge(gzip_index_n_points(all), 8);
	ck_assert_uint_le(gzip_index_n_points(some), 4);
	some = write_and_open(some, in, image.len);
	check_pieces(some, in, image);
	/* from a point near by the blocks behind the hole are reached */
	OK(gzip_index_pieces(some, &pieces, &rest, &err));
	ck_assert_uint_ge(pieces.pieces[piece_index_find(&pieces, 2048 << 12)].image_offset_bytes,
			  (2048 << 12) - (2 << 20));
	piece_index_fini(&pieces);
	gzip_index_free(all);
	gzip_index_free(some);
	bmap_free(map);
}
END_TEST

START_TEST(writing_says_why_it_fails)
{
	struct bytes image = bytes_text(1000), made = image, in = encode("gzip", image);
	struct gzip_index *index = make_index(in, STEP, NULL, in.len, &made), *none = NULL;
	struct bmap_error err = {0};

	FAILS(gzip_index_write(index, "no/such", 1, 1, &err), ENOENT,
	      "'no/such' for writing: No such file");
	ck_assert_int_eq(mkdir("folder", 0777), 0);
	FAILS(gzip_index_write(index, "folder", 1, 1, &err), EISDIR, "'folder'");
	FAILS(gzip_index_new(&none, STEP, NULL, "no/such", &err), ENOENT,
	      "cannot make a file in 'no/such': No such file");
	ck_assert_ptr_null(none);
	gzip_index_free(index);
	gzip_index_free(NULL);
}
END_TEST

/* ---- files from outside ---- */

static int open_bytes(struct bytes bytes, uint64_t encoded_size, uint64_t image_size,
		      struct bmap_error *err)
{
	struct gzip_index *index = NULL;
	int r;

	write_file("f", bytes);
	r = gzip_index_open(&index, open("f", O_RDONLY | O_CLOEXEC), "f", encoded_size, image_size,
			    err);
	ck_assert_int_eq(index != NULL, r == 0);
	gzip_index_free(index);
	return r;
}

static void put(struct bytes bytes, size_t at, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes.data[at + i] = (uint8_t)(value >> (8 * i));
}

/* Three points, the last two with windows: 35 + 54 + 65536 bytes. */
static struct bytes hand_made(unsigned int version)
{
	size_t len = version ? POINT : POINT - 1;
	struct bytes bytes = bytes_zeros(HEADER + 3 * len + 65536);

	memcpy(bytes.data, "GZIDX", 5);
	bytes.data[5] = (uint8_t)version;
	put(bytes, 7, 1000, 8);
	put(bytes, 15, 300000, 8);
	put(bytes, 23, 65536, 4);
	put(bytes, 27, 32768, 4);
	put(bytes, 31, 3, 4);
	put(bytes, HEADER, 10, 8);
	put(bytes, HEADER + len, 500, 8);
	put(bytes, HEADER + len + 8, 70000, 8);
	bytes.data[HEADER + len + 16] = 3;
	put(bytes, HEADER + 2 * len, 700, 8);
	put(bytes, HEADER + 2 * len + 8, 200000, 8);
	if (version)
		bytes.data[HEADER + len + 17] = bytes.data[HEADER + 2 * len + 17] = 1;
	memset(bytes.data + HEADER + 3 * len, 'a', 32768);
	memset(bytes.data + HEADER + 3 * len + 32768, 'b', 32768);
	return bytes;
}

START_TEST(both_versions_are_read)
{
	for (unsigned int version = 0; version < 2; version++) {
		struct gzip_index *index = NULL;
		struct piece_index pieces = {0};
		struct bmap_error err = {0};
		struct piece rest = {0};

		write_file("f", hand_made(version));
		OK(gzip_index_open(&index, open("f", O_RDONLY | O_CLOEXEC), "f", 1000, 300000,
				   &err));
		OK(gzip_index_pieces(index, &pieces, &rest, &err));
		ck_assert_uint_eq(pieces.n_pieces, 3);
		ck_assert_ptr_null(pieces.pieces[0].window);
		ck_assert_uint_eq(pieces.pieces[0].image_len_bytes, 70000);
		ck_assert_uint_eq(pieces.pieces[1].encoded_offset_bytes, 499); /* 3 bits of it */
		ck_assert_uint_eq(pieces.pieces[1].first_bit, 5);
		ck_assert_uint_eq(pieces.pieces[1].window[0], 'a');
		ck_assert_uint_eq(pieces.pieces[2].window[32767], 'b');
		ck_assert_uint_eq(pieces.pieces[2].image_len_bytes, 100000);
		piece_index_fini(&pieces);
		gzip_index_free(index);
	}
}
END_TEST

START_TEST(of_another_file_it_is_refused)
{
	struct bytes bytes = hand_made(1);
	struct bmap_error err = {0};

	OK(open_bytes(bytes, 1000, PIECE_LEN_UNKNOWN, &err));
	FAILS(open_bytes(bytes, 999, 300000, &err), EBADMSG,
	      "the gzip index 'f' is of another file");
	FAILS(open_bytes(bytes, 1000, 300001, &err), EBADMSG,
	      "the gzip index 'f' is of another file");
	put(bytes, 15, 0, 8);
	OK(open_bytes(bytes, 1000, 300001, &err));
}
END_TEST

START_TEST(damage_is_noticed)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *sentence;
	} cases[] = {
		{0, 1, 'g', "the gzip index 'f' is damaged: it is no GZIDX file"},
		{27, 4, 65536, "its windows are not of 32 KiB"},
		{31, 4, 0, "it ends early"},
		{31, 4, 4, "it ends early"},
		{31, 4, UINT32_MAX, "it ends early"},
		{31, 4, 2, "something lies behind it"},
		{HEADER + 8, 8, 1, "its points are not in order"},
		{HEADER + POINT, 8, 9, "its points are not in order"},
		{HEADER + POINT + 8, 8, 0, "its points are not in order"},
		{HEADER + POINT + 8, 8, 200000, "its points are not in order"},
		{HEADER + 2 * POINT, 8, 1001, "a point lies outside of the file"},
		{HEADER + 2 * POINT, 8, UINT64_MAX, "a point lies outside of the file"},
		{HEADER + 2 * POINT + 8, 8, 300001, "a point lies outside of the file"},
		{HEADER + 16, 1, 8, "a point begins at no bit"},
		{HEADER + POINT + 17, 1, 0, "something lies behind it"},
		{HEADER + 17, 1, 1, "it ends early"},
	};
	struct bytes good = hand_made(1);
	struct bmap_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes bad = bytes_join(good, bytes_zeros(0));

		put(bad, cases[i].at, cases[i].value, cases[i].n);
		FAILS(open_bytes(bad, 1000, PIECE_LEN_UNKNOWN, &err), EPROTO, cases[i].sentence);
	}
	FAILS(open_bytes(bytes_join(good, bytes_zeros(1)), 1000, 300000, &err), EPROTO,
	      "something lies behind it");
	for (size_t len = 0; len < good.len; len += len < 200 ? 1 : 20000)
		FAILS(open_bytes(bytes_part(good, 0, len), 1000, 300000, &err), EPROTO,
		      len < HEADER ? "it is no GZIDX file" : "it ends early");
	good.data[5] = 2;
	FAILS(open_bytes(good, 1000, 300000, &err), EOPNOTSUPP,
	      "the gzip index 'f' is of version 2, which is too new");
}
END_TEST

START_TEST(images_too_large_are_refused)
{
	struct bytes bytes = hand_made(1);
	struct gzip_index *index = NULL;
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	struct piece rest = {0};

	put(bytes, 15, UINT64_MAX, 8);
	write_file("f", bytes);
	OK(gzip_index_open(&index, open("f", O_RDONLY | O_CLOEXEC), "f", 1000, PIECE_LEN_UNKNOWN,
			   &err));
	FAILS(gzip_index_pieces(index, &pieces, &rest, &err), EOVERFLOW, "the image is too large");
	piece_index_fini(&pieces);
	gzip_index_free(index);
}
END_TEST

START_TEST(indexed_gzip_reads_it_too)
{
	struct bytes image = mixed(1500000, 6), made = image, in = encode("gzip", image);
	struct gzip_index *index = make_index(in, STEP, NULL, in.len, &made);
	struct bmap_error err = {0};
	struct bytes said;

	if (system("python3 -c 'import indexed_gzip' 2>stderr") != 0) {
		unit_note("indexed_gzip is not here: what it reads is not tested");
		gzip_index_free(index);
		return;
	}
	write_file("f.gz", in);
	OK(gzip_index_write(index, "f.gzidx", in.len, image.len, &err));
	gzip_index_free(index);
	said = RUN("python3", "-c",
		   "import indexed_gzip, sys\n"
		   "f = indexed_gzip.IndexedGzipFile('f.gz', index_file='f.gzidx')\n"
		   "f.seek(1200000)\n"
		   "sys.stdout.buffer.write(f.read(100000))\n");
	ASSERT_BYTES(said, bytes_part(image, 1200000, 100000));
}
END_TEST

UNIT_MAIN("gzip_index", every_piece_decodes_on_its_own, other_ways_to_compress,
	  an_image_of_a_few_bytes, a_partial_index_says_how_to_go_on,
	  a_copy_goes_on_where_the_other_ended, a_hole_has_one_point_at_its_end,
	  writing_says_why_it_fails, both_versions_are_read, of_another_file_it_is_refused,
	  damage_is_noticed, images_too_large_are_refused, indexed_gzip_reads_it_too)
