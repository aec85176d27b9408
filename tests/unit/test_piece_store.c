/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codec/decoder_ops.h"
#include "unit.h"
#include "view/piece_store.h"

#define BLOCK 4096
#define SIZE  (75 * BLOCK + 500)
#define PIECE 40000 /* of xz */

/* What a test reads. */
struct rig {
	struct source *source;
	struct source_pool *pool;
	struct piece_index index;
	struct piece_store_options options;
	struct piece_store *store;
	struct bytes image;
	_Atomic uint64_t decoded_bytes;
};

static struct bytes make_image(void)
{
	return bytes_join(bytes_text(SIZE / 2), bytes_random(SIZE - SIZE / 2, 1));
}

/* "raw", or the index that the codec finds. */
static bool make_rig(struct rig *rig, const char *codec, struct bytes in, struct bytes image)
{
	const struct source_options options = {.is_random = true};
	struct bmap_error err = {0};

	if (strcmp(codec, "raw") != 0 && !codec_or_note(codec))
		return false;
	*rig = (struct rig){.image = image};
	write_file("f", in);
	OK(source_open(&rig->source, "f", &options, &err));
	rig->pool = source_pool_new(rig->source, false);
	ck_assert_ptr_nonnull(rig->pool);
	rig->options = (struct piece_store_options){
		.pool = rig->pool,
		.size_bytes = image.len,
		.memory_bytes = 1 << 20,
		.decoder_memory_bytes = 64 << 20,
		.n_threads = 2,
		.folder = ".",
		.name = "disk.img",
		.decoded_bytes = &rig->decoded_bytes,
	};
	if (strcmp(codec, "raw") != 0) {
		rig->options.codec = codec_by_name(codec);
		OK(rig->options.codec->index(rig->source, image.len, &rig->index, &err));
		rig->options.index = &rig->index;
	}
	return true;
}

static void make_xz_rig(struct rig *rig)
{
	struct bytes image = make_image();

	ck_assert(make_rig(rig, "xz", encode_xz_blocks(image, PIECE), image));
}

static void open_store(struct rig *rig)
{
	struct bmap_error err = {0};

	OK(piece_store_new(&rig->store, &rig->options, &err));
}

static void close_rig(struct rig *rig)
{
	piece_store_free(rig->store);
	piece_index_fini(&rig->index);
	source_pool_free(rig->pool);
	source_close(rig->source);
}

static int read_at(struct rig *rig, uint64_t at, size_t len, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *buf = malloc(len);
	int r = piece_store_pread(rig->store, buf, len, at, err);

	if (r == 0)
		ck_assert_msg(memcmp(buf, rig->image.data + at, len) == 0, "other bytes at %zu",
			      (size_t)at);
	return r;
}

static void check_everywhere(struct rig *rig)
{
	struct bmap_error err = {0};
	uint32_t seed = 1;

	OK(read_at(rig, SIZE - 1, 1, &err));
	for (size_t i = 0; i < 40; i++) {
		size_t at, len;

		seed = seed * 1103515245 + 12345;
		at = (seed >> 8) % SIZE;
		len = MIN(i % 8 ? 500 + i * 300 : 100000, SIZE - at);
		OK(read_at(rig, at, len, &err));
		piece_store_note_read(rig->store, at, len);
	}
	for (size_t at = 0; at < SIZE; at += 5000) {
		OK(read_at(rig, at, MIN((size_t)5000, SIZE - at), &err));
		piece_store_note_read(rig->store, at, MIN((size_t)5000, SIZE - at));
	}
	OK(read_at(rig, 0, SIZE, &err));
}

START_TEST(it_is_read_anywhere)
{
	static const uint64_t sizes[] = {1, 90000, 140000, 10 << 20};
	static const char *const codecs[] = {"raw", "xz", "lz4"};
	struct bytes image = make_image();

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		for (size_t j = 0; j < 2 * ARRAY_SIZE(sizes); j++) {
			struct bytes in = !strcmp(codecs[i], "raw") ? image
					  : !strcmp(codecs[i], "xz")
						  ? encode_xz_blocks(image, PIECE)
						  : encode(codecs[i], image);
			struct rig rig;

			if (!make_rig(&rig, codecs[i], in, image))
				break;
			rig.options.memory_bytes = sizes[j / 2];
			if (!i && j < 4)
				rig.options.memory_bytes += 140000;
			rig.options.is_verified = j % 2;
			open_store(&rig);
			if (rig.options.index)
				ck_assert_uint_eq(piece_store_n_pieces(rig.store),
						  rig.index.n_pieces);
			check_everywhere(&rig);
			close_rig(&rig);
		}
	}
	piece_store_free(NULL);
}
END_TEST

START_TEST(a_raw_image_with_very_little_memory)
{
	struct bytes image = make_image();
	struct rig rig;

	ck_assert(make_rig(&rig, "raw", image, image));
	rig.options.memory_bytes = 1;
	open_store(&rig);
	check_everywhere(&rig);
	close_rig(&rig);
}
END_TEST

START_TEST(what_is_too_large_is_decoded_once)
{
	struct bmap_error err = {0};
	struct rig rig;

	make_xz_rig(&rig);
	rig.options.memory_bytes = 1000;
	open_store(&rig);
	OK(read_at(&rig, PIECE + 5, 10, &err));
	ck_assert_uint_ge(rig.decoded_bytes, PIECE);
	for (size_t i = 0; i < 3; i++)
		check_everywhere(&rig);
	close_rig(&rig);
	ck_assert_uint_eq(rig.decoded_bytes, SIZE);
}
END_TEST

START_TEST(what_is_in_memory_is_not_decoded_again)
{
	struct bmap_error err = {0};
	uint64_t hits;
	struct rig rig;

	make_xz_rig(&rig);
	rig.options.n_threads = 1;
	open_store(&rig);
	OK(read_at(&rig, 0, 100, &err));
	hits = piece_store_hits(rig.store);
	for (size_t i = 0; i < 10; i++)
		OK(read_at(&rig, i * 1000, 100, &err));
	ck_assert_uint_ge(piece_store_hits(rig.store), hits + 10);
	ck_assert_uint_eq(rig.decoded_bytes, PIECE);
	close_rig(&rig);
}
END_TEST

/* ---- in advance ---- */

static bool soon_there(struct rig *rig, uint64_t at)
{
	for (size_t i = 0; i < 5000; i++) {
		const uint8_t *data;
		size_t len;
		struct cached_piece *cached = piece_store_peek(rig->store, at, &data, &len);

		if (cached) {
			ck_assert_uint_le(len, rig->image.len - at);
			ck_assert_mem_eq(data, rig->image.data + at, len);
			ck_assert(len > 0 && len <= PIECE);
			piece_store_unpin(rig->store, cached);
			return true;
		}
		usleep(1000);
	}
	return false;
}

START_TEST(pieces_are_decoded_in_advance)
{
	struct bmap_error err = {0};
	const uint8_t *data;
	struct rig rig;
	size_t len;

	make_xz_rig(&rig);
	open_store(&rig);
	ck_assert_ptr_null(piece_store_peek(rig.store, 100, &data, &len));
	piece_store_read_ahead(rig.store, PIECE, PIECE, 3 * PIECE);
	ck_assert(soon_there(&rig, PIECE + 100));
	ck_assert(soon_there(&rig, 3 * PIECE - 1));
	ck_assert_ptr_null(piece_store_peek(rig.store, 100, &data, &len));
	OK(read_at(&rig, PIECE, 2 * PIECE, &err));
	ck_assert_uint_eq(rig.decoded_bytes, 2 * PIECE);
	close_rig(&rig);
}
END_TEST

START_TEST(who_reads_in_order_need_not_ask)
{
	struct bytes image = bytes_text(1 << 20);
	struct bmap_error err = {0};
	const uint8_t *data;
	struct rig rig;
	size_t len;

	ck_assert(make_rig(&rig, "xz", encode_xz_blocks(image, PIECE), image));
	rig.options.memory_bytes = 4 << 20;
	open_store(&rig);
	for (size_t at = 0; at < 2 * PIECE; at += 1000) { /* here and there */
		size_t offset = at * 7919 % (7 * PIECE);

		OK(read_at(&rig, offset, 10, &err));
		piece_store_note_read(rig.store, offset, 10);
	}
	usleep(10000);
	ck_assert_ptr_null(piece_store_peek(rig.store, 14 * PIECE, &data, &len));
	for (size_t at = 0; at < 13 * PIECE; at += 10000) {
		OK(read_at(&rig, at, 10000, &err));
		piece_store_note_read(rig.store, at, 10000);
	}
	ck_assert(soon_there(&rig, 14 * PIECE));
	close_rig(&rig);
}
END_TEST

START_TEST(what_is_not_mapped_is_not_decoded)
{
	/* in the second piece and the last one */
	static const struct bmap_range ranges[] = {{12, 2}, {74, 2}};
	struct bmap_error err = {0};
	struct bmap *map;
	struct rig rig;

	make_xz_rig(&rig);
	map = map_of(NULL, SIZE, BLOCK, ranges, ARRAY_SIZE(ranges));
	rig.options.map = map;
	open_store(&rig);
	piece_store_read_ahead(rig.store, 0, 0, SIZE);
	ck_assert(soon_there(&rig, 12 * BLOCK));
	ck_assert(soon_there(&rig, 74 * BLOCK));
	OK(read_at(&rig, 12 * BLOCK, BLOCK, &err));
	close_rig(&rig);
	ck_assert_uint_eq(rig.decoded_bytes, PIECE + SIZE % PIECE);
	bmap_free(map);
}
END_TEST

/* ---- failures ---- */

START_TEST(an_index_that_lies_is_found_out)
{
	for (size_t i = 0; i < 4; i++) {
		struct bmap_error err = {0};
		int by = i % 2 ? 10 : -10;
		struct rig rig;

		make_xz_rig(&rig);
		rig.options.memory_bytes = i < 2 ? 1 << 20 : 100;
		rig.index.pieces[2].image_len_bytes += (uint64_t)(int64_t)by;
		for (size_t j = 3; j < rig.index.n_pieces; j++)
			rig.index.pieces[j].image_offset_bytes += (uint64_t)(int64_t)by;
		rig.options.size_bytes += (uint64_t)(int64_t)by;
		open_store(&rig);
		OK(read_at(&rig, PIECE, PIECE, &err));
		for (size_t round = 0; round < 2; round++)
			FAILS(read_at(&rig, 2 * PIECE + 5, 10, &err), EPROTO, "disk.img");
		OK(read_at(&rig, 0, 2 * PIECE, &err));
		close_rig(&rig);
	}
}
END_TEST

START_TEST(a_damaged_piece_leaves_the_others)
{
	for (size_t i = 0; i < 2; i++) {
		struct bytes image = make_image(), in = encode_xz_blocks(image, PIECE);
		struct bmap_error err = {0};
		struct rig rig;

		ck_assert(make_rig(&rig, "xz", in, image));
		in.data[rig.index.pieces[1].encoded_offset_bytes + 500] ^= 1;
		close_rig(&rig);
		ck_assert(make_rig(&rig, "xz", in, image));
		rig.options.memory_bytes = i ? 1 << 20 : 100;
		open_store(&rig);
		piece_store_read_ahead(rig.store, 0, 0, SIZE);
		for (size_t round = 0; round < 3; round++) {
			FAILS(read_at(&rig, PIECE + 5, 10, &err), EBADMSG, "disk.img");
			FAILS(read_at(&rig, 0, SIZE, &err), EBADMSG, "disk.img");
			OK(read_at(&rig, 0, PIECE, &err));
			OK(read_at(&rig, 2 * PIECE, SIZE - 2 * PIECE, &err));
		}
		close_rig(&rig);
	}
}
END_TEST

/* The file becomes another one under its date, as a server that lies would have it. */
static void change_in_secret(size_t at)
{
	struct timespec times[2];
	struct stat st;
	uint8_t byte;
	int fd = open("f", O_RDWR);

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
}

START_TEST(what_was_verified_does_not_change)
{
	/* noise: lz4 stores it as it is, and nothing else would notice */
	struct bytes image = bytes_random(SIZE, 1);
	static const char *const codecs[] = {"raw", "lz4"};

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct bytes in = i ? encode(codecs[i], image) : image;
		struct bmap_error err = {0};
		struct rig rig;

		if (!make_rig(&rig, codecs[i], in, image))
			continue;
		rig.options.memory_bytes = 140000; /* a piece of lz4 has 65536 */
		rig.options.is_verified = true;
		open_store(&rig);
		for (size_t at = 0; at < SIZE; at += 10000)
			OK(read_at(&rig, at, MIN((size_t)10000, SIZE - at), &err));
		change_in_secret(1000);
		for (size_t at = 70000; at < SIZE; at += 10000) /* what was there is gone */
			OK(read_at(&rig, at, 1, &err));
		/* the same bytes, or none; read_at() looks */
		if (read_at(&rig, 500, 1000, &err) < 0)
			ck_assert_msg(err.code == EBADMSG, "%s", err.message);
		close_rig(&rig);
	}
}
END_TEST

START_TEST(a_cancelled_store_stays_so)
{
	struct bmap_error err = {0};
	struct rig rig;

	make_xz_rig(&rig);
	rig.options.memory_bytes = 90000;
	open_store(&rig);
	piece_store_read_ahead(rig.store, 0, 0, PIECE);
	piece_store_cancel(rig.store);
	FAILS(read_at(&rig, 6 * PIECE, 10, &err), ECANCELED, "");
	FAILS(read_at(&rig, 6 * PIECE, 10, &err), ECANCELED, "");
	piece_store_read_ahead(rig.store, 0, 0, SIZE);
	close_rig(&rig);
}
END_TEST

/* ---- threads ---- */

struct reader {
	struct rig *rig;
	pthread_t thread;
	uint32_t seed;
	const char *failed;
};

static void *read_about(void *opaque)
{
	struct reader *reader = opaque;
	struct rig *rig = reader->rig;
	uint8_t *buf = malloc(100000);

	for (size_t i = 0; i < 60 && !reader->failed; i++) {
		struct bmap_error err = {0};
		size_t at, len;

		reader->seed = reader->seed * 1103515245 + 12345;
		at = reader->seed & 0x80 ? i * 6000 % SIZE : (reader->seed >> 8) % SIZE;
		len = MIN((size_t)1 + (reader->seed >> 4) % 100000, SIZE - at);
		if (piece_store_pread(rig->store, buf, len, at, &err) < 0)
			reader->failed = "it cannot be read";
		else if (memcmp(buf, rig->image.data + at, len) != 0)
			reader->failed = "other bytes";
		piece_store_note_read(rig->store, at, len);
		if (i % 10 == 0)
			piece_store_read_ahead(rig->store, at, at, at + 100000);
	}
	free(buf);
	return NULL;
}

START_TEST(six_threads_read)
{
	static const uint64_t sizes[] = {1, 90000, 10 << 20};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct reader readers[6];
		struct rig rig;

		make_xz_rig(&rig);
		rig.options.memory_bytes = sizes[i];
		rig.options.is_verified = true;
		open_store(&rig);
		for (size_t j = 0; j < 6; j++) {
			readers[j] = (struct reader){.rig = &rig, .seed = (uint32_t)j};
			ck_assert_int_eq(
				pthread_create(&readers[j].thread, NULL, read_about, &readers[j]),
				0);
		}
		for (size_t j = 0; j < 6; j++) {
			pthread_join(readers[j].thread, NULL);
			ck_assert_msg(!readers[j].failed, "%s", readers[j].failed);
		}
		close_rig(&rig);
	}
}
END_TEST

UNIT_MAIN("piece_store", it_is_read_anywhere, a_raw_image_with_very_little_memory,
	  what_is_too_large_is_decoded_once, what_is_in_memory_is_not_decoded_again,
	  pieces_are_decoded_in_advance, who_reads_in_order_need_not_ask,
	  what_is_not_mapped_is_not_decoded, an_index_that_lies_is_found_out,
	  a_damaged_piece_leaves_the_others, what_was_verified_does_not_change,
	  a_cancelled_store_stays_so, six_threads_read)
