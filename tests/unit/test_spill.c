/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codec/decoder_ops.h"
#include "unit.h"
#include "view/spill.h"

#define BLOCK 4096
#define SIZE  (75 * BLOCK + 500) /* the last block is not whole */

static const struct bmap_range ranges[] = {{0, 3}, {10, 20}, {40, 9}, {74, 2}};

/* What a test reads. */
struct rig {
	struct bmap_image *image;
	struct spill_options options;
	struct spill *spill;
	struct bytes bytes; /* of the image */
	_Atomic uint64_t decoded_bytes;
	atomic_int n_reopens, reopen_error;
};

static struct bytes make_image(void)
{
	return bytes_join(bytes_text(SIZE / 2), bytes_random(SIZE - SIZE / 2, 1));
}

static struct bmap_image *open_image(const char *path)
{
	const struct bmap_image_options options = {.n_threads = 2};
	struct bmap_image *image = NULL;
	struct bmap_error err = {0};

	OK(bmap_image_open(&image, path, &options, &err));
	return image;
}

static int reopen(void *opaque, struct bmap_image **image, struct bmap_error *err)
{
	struct rig *rig = opaque;

	rig->n_reopens++;
	if (rig->reopen_error)
		return bmap_error_set(err, rig->reopen_error, "it is gone");
	*image = open_image("f");
	return 0;
}

static void open_rig(struct rig *rig, const char *path)
{
	struct bmap_error err = {0};

	rig->image = open_image(path);
	rig->options.folder = ".";
	rig->options.decoded_bytes = &rig->decoded_bytes;
	rig->options.reopen = reopen;
	rig->options.opaque = rig;
	OK(spill_new(&rig->spill, rig->image, &rig->options, &err));
}

static void close_rig(struct rig *rig)
{
	spill_free(rig->spill);
	bmap_image_close(rig->image);
}

static int try_read(struct rig *rig, size_t at, size_t len, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *buf = malloc(len);
	int r = spill_pread(rig->spill, buf, len, at, err);

	if (r == 0 && memcmp(buf, rig->bytes.data + at, len) != 0)
		return bmap_error_set(err, EINVAL, "other bytes at %zu", at);
	return r;
}

static void check_read(struct rig *rig, size_t at, size_t len)
{
	struct bmap_error err = {0};

	OK(try_read(rig, at, len, &err));
}

static void check_all(struct rig *rig)
{
	struct bmap_error err = {0};
	uint64_t size = 0;

	OK(spill_reach(rig->spill, UINT64_MAX, &err));
	ck_assert(spill_size(rig->spill, &size));
	ck_assert_uint_eq(size, SIZE);
	for (size_t i = 0; i < (rig->options.map ? ARRAY_SIZE(ranges) : 0); i++) {
		size_t at = ranges[i].first_block * BLOCK;

		check_read(rig, at, MIN(ranges[i].n_blocks * BLOCK, SIZE - at));
	}
	if (!rig->options.map)
		check_read(rig, 0, SIZE);
}

/* All that has a single stream. */
static bool make_form(const char *codec, struct bytes image, size_t cut)
{
	struct bytes in;

	if (!codec_or_note(codec))
		return false;
	in = encode(codec, image);
	unlink("f");
	write_file("f", bytes_part(in, 0, in.len - (cut ? in.len / cut : 0)));
	return true;
}

START_TEST(every_codec_is_read_anywhere)
{
	for (const char *const *codec = codec_names; *codec; codec++) {
		for (size_t has_map = 0; has_map < 2; has_map++) {
			struct rig rig = {.bytes = make_image()};
			struct bmap *map = NULL;
			struct bmap_error err = {0};
			uint8_t byte;

			if (!make_form(*codec, rig.bytes, 0))
				continue;
			if (has_map)
				map = map_of(&rig.bytes, SIZE, BLOCK, ranges, ARRAY_SIZE(ranges));
			rig.options.map = map;
			open_rig(&rig, "f");
			OK(spill_reach(rig.spill, 100, &err));
			check_read(&rig, 0, 100);
			check_all(&rig);
			check_read(&rig, 15 * BLOCK + 7, 3 * BLOCK);
			check_read(&rig, SIZE - 1, 1);
			OK(spill_reach(rig.spill, SIZE + 1, &err));
			FAILS(spill_pread(rig.spill, &byte, 1, SIZE, &err), ENODATA, "");
			ck_assert_int_eq(rig.n_reopens, 0);
			ck_assert_uint_ge(rig.decoded_bytes, map ? bmap_mapped_bytes(map) : SIZE);
			spill_stop(rig.spill); /* what was made stays */
			check_all(&rig);
			close_rig(&rig);
			bmap_free(map);
		}
	}
}
END_TEST

/* ---- new tries ---- */

START_TEST(after_a_failure_it_begins_anew)
{
	for (const char *const *codec = codec_names; *codec; codec++) {
		struct rig rig = {.bytes = make_image()};
		struct bmap_error err = {0};
		uint64_t size;
		int r;

		if (!make_form(*codec, rig.bytes, 20))
			continue;
		open_rig(&rig, "f");
		/* as often as somebody asks */
		for (int i = 0; i < 3; i++) {
			r = spill_reach(rig.spill, SIZE, &err);
			/* xz has its index at the end */
			ck_assert_msg(r == (strcmp(*codec, "xz") ? -ENODATA : -EBADMSG),
				      "%s: %d (%s)", *codec, r, err.message);
			ck_assert_ptr_nonnull(strstr(err.message, "'f'"));
			err = (struct bmap_error){0};
			ck_assert_int_eq(rig.n_reopens, i);
			ck_assert(!spill_size(rig.spill, &size));
		}
		rig.reopen_error = EIO;
		FAILS(spill_reach(rig.spill, SIZE, &err), EIO, "it is gone");
		FAILS(spill_reach(rig.spill, SIZE, &err), EIO, "it is gone");
		rig.reopen_error = 0;
		make_form(*codec, rig.bytes, 0);
		check_all(&rig);
		ck_assert_int_eq(rig.n_reopens, 5);
		close_rig(&rig);
	}
}
END_TEST

START_TEST(what_was_kept_stays_after_a_failure)
{
	/* larger than what is read at once */
	struct bytes image = bytes_text(6 << 20);
	struct rig rig = {.bytes = image};
	struct bmap_error err = {0};

	ck_assert(make_form("gzip", image, 3));
	open_rig(&rig, "f");
	OK(spill_reach(rig.spill, 1 << 20, &err));
	check_read(&rig, 0, 1 << 20);
	FAILS(spill_reach(rig.spill, image.len, &err), ENODATA, "'f'");
	rig.reopen_error = EIO; /* what is there needs no image */
	check_read(&rig, 0, 1 << 20);
	OK(spill_reach(rig.spill, 1 << 20, &err));
	check_read(&rig, 500000, 100000);
	rig.reopen_error = 0;
	make_form("gzip", image, 0);
	OK(spill_reach(rig.spill, image.len, &err));
	check_read(&rig, 0, image.len);
	close_rig(&rig);
}
END_TEST

START_TEST(a_ledger_hears_each_byte_once)
{
	for (size_t i = 0; i < 3; i++) { /* a good image, a second try, and a wrong image */
		struct rig rig = {.bytes = make_image()};
		struct bmap *map = map_of(&rig.bytes, SIZE, BLOCK, ranges, ARRAY_SIZE(ranges));
		struct range_ledger *ledger = NULL;
		struct bmap_error err = {0};
		struct bytes packed = bytes_join(rig.bytes, bytes_zeros(0));

		packed.data[45 * BLOCK] ^= i == 2;
		ck_assert(make_form("gzip", packed, i == 1 ? 20 : 0));
		OK(range_ledger_new(&ledger, map, BMAP_VERIFY_STRICT, 0, "f", &err));
		rig.options.map = map;
		rig.options.ledger = ledger;
		open_rig(&rig, "f");
		if (i == 1) {
			FAILS(spill_reach(rig.spill, SIZE, &err), ENODATA, "'f'");
			make_form("gzip", packed, 0);
		}
		OK(spill_reach(rig.spill, SIZE, &err));
		ck_assert_uint_eq(range_ledger_n_verified(ledger), ARRAY_SIZE(ranges) - (i == 2));
		if (i == 2)
			FAILS(range_ledger_check(ledger, 0, SIZE, &err), EBADMSG, "40-48");
		else
			OK(range_ledger_check(ledger, 0, SIZE, &err));
		close_rig(&rig);
		range_ledger_free(ledger);
		bmap_free(map);
	}
}
END_TEST

/* ---- what is learned on the way ---- */

START_TEST(pieces_are_learned)
{
	for (size_t cut = 0; cut < 2; cut++) {
		struct rig rig = {.bytes = make_image()};
		struct piece_index learned = {0};
		struct bmap_error err = {0};
		struct bytes in, out;
		uint64_t at = 0;

		if (!make_form("bzip2", rig.bytes, cut ? 10 : 0))
			continue;
		rig.options.learned = &learned;
		open_rig(&rig, "f");
		if (cut) {
			FAILS(spill_reach(rig.spill, SIZE, &err), ENODATA, "'f'");
			make_form("bzip2", rig.bytes, 0);
		}
		check_all(&rig);
		spill_stop(rig.spill);
		ck_assert_uint_ge(learned.n_pieces, 3); /* bzip2 -1 has blocks of 100000 */
		in = read_file("f");
		for (size_t i = 0; i < learned.n_pieces; i++) {
			const struct piece *piece = &learned.pieces[i];

			OK(decode_bytes(
				codec_by_name("bzip2"),
				bytes_part(in, piece->encoded_offset_bytes,
					   piece->encoded_len_bytes),
				(struct decode_steps){.in = 5000, .out = 7000, .piece = piece},
				&out, &err));
			ASSERT_BYTES(out, bytes_part(rig.bytes, at, piece->image_len_bytes));
			at += out.len;
		}
		ck_assert_uint_eq(at, SIZE);
		close_rig(&rig);
		piece_index_fini(&learned);
	}
}
END_TEST

START_TEST(checkpoints_are_made_and_gone_on_from)
{
	struct rig first = {.bytes = make_image()}, second = {.bytes = first.bytes};
	struct gzip_index *checkpoints = NULL, *more = NULL, *kept = NULL;
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	size_t len;

	make_form("gzip", first.bytes, 10);
	OK(gzip_index_new(&checkpoints, 65536, NULL, ".", &err));
	first.options.checkpoints = checkpoints;
	open_rig(&first, "f");
	for (size_t i = 0; i < 3; i++) /* each try passes the same places */
		FAILS(spill_reach(first.spill, SIZE, &err), ENODATA, "'f'");
	spill_stop(first.spill);
	ck_assert_uint_ge(gzip_index_n_points(checkpoints), 2);
	ck_assert_uint_le(gzip_index_n_points(checkpoints), SIZE / 65536 + 1);
	make_form("gzip", first.bytes, 0);
	len = read_file("f").len;
	OK(gzip_index_write(checkpoints, "i", len, 0, &err));
	OK(gzip_index_open(&kept, open("i", O_RDONLY), "i", len, PIECE_LEN_UNKNOWN, &err));
	OK(gzip_index_pieces(kept, &pieces, &second.options.from, &err));
	ck_assert_uint_ge(piece_index_end(&pieces), 65536);
	ck_assert_uint_eq(second.options.from.image_offset_bytes, piece_index_end(&pieces));
	/* from there on */
	OK(gzip_index_new(&more, 65536, NULL, ".", &err));
	OK(gzip_index_copy(more, kept, &err));
	second.options.has_from = true;
	second.options.checkpoints = more;
	open_rig(&second, "f");
	OK(spill_reach(second.spill, SIZE, &err));
	check_read(&second, piece_index_end(&pieces), SIZE - piece_index_end(&pieces));
	ck_assert_uint_le(second.decoded_bytes, SIZE - piece_index_end(&pieces));
	close_rig(&second);
	close_rig(&first);
	piece_index_fini(&pieces);
	gzip_index_free(checkpoints);
	gzip_index_free(more);
	gzip_index_free(kept);
}
END_TEST

/* ---- threads ---- */

struct reacher {
	struct rig *rig;
	pthread_t thread;
	uint32_t seed;
	int r;
	struct bmap_error err;
};

static void *reach_about(void *opaque)
{
	struct reacher *reacher = opaque;

	for (size_t i = 0; i < 30 && reacher->r == 0; i++) {
		size_t at, len;

		reacher->seed = reacher->seed * 1103515245 + 12345;
		at = (reacher->seed >> 8) % SIZE;
		len = MIN((size_t)1 + (reacher->seed >> 4) % 50000, SIZE - at);
		reacher->r = spill_reach(reacher->rig->spill, at + len, &reacher->err);
		if (reacher->r == 0)
			reacher->r = try_read(reacher->rig, at, len, &reacher->err);
	}
	return NULL;
}

static void *reach_end(void *opaque)
{
	struct reacher *reacher = opaque;

	reacher->r = spill_reach(reacher->rig->spill, SIZE, &reacher->err);
	return NULL;
}

static void start(struct reacher *reachers, struct rig *rig, void *(*run)(void *))
{
	for (size_t i = 0; i < 6; i++) {
		reachers[i] = (struct reacher){.rig = rig, .seed = (uint32_t)i};
		ck_assert_int_eq(pthread_create(&reachers[i].thread, NULL, run, &reachers[i]), 0);
	}
}

static void check_reachers(struct reacher *reachers, int r)
{
	for (size_t i = 0; i < 6; i++) {
		pthread_join(reachers[i].thread, NULL);
		ck_assert_msg(reachers[i].r == r, "%d (%s)", reachers[i].r,
			      reachers[i].err.message);
	}
}

START_TEST(six_threads_read)
{
	for (size_t i = 0; i < 5; i++) {
		struct rig rig = {.bytes = make_image()};
		struct reacher reachers[6];

		ck_assert(make_form("gzip", rig.bytes, 0));
		open_rig(&rig, "f");
		start(reachers, &rig, reach_about);
		check_reachers(reachers, 0);
		check_all(&rig);
		close_rig(&rig);
	}
}
END_TEST

START_TEST(a_failure_is_met_by_all_who_wait)
{
	struct rig rig = {.bytes = make_image()};
	struct reacher reachers[6];

	ck_assert(make_form("gzip", rig.bytes, 20));
	open_rig(&rig, "f");
	start(reachers, &rig, reach_end);
	check_reachers(reachers, -ENODATA);
	make_form("gzip", rig.bytes, 0);
	check_all(&rig);
	close_rig(&rig);
}
END_TEST

/* The image comes out of a pipe that does not end. */
static void open_stuck(struct rig *rig)
{
	struct bytes in = encode("gzip", rig->bytes);
	char path[40];

	snprintf(path, sizeof(path), "/dev/fd/%d", pipe_of(bytes_part(in, 0, in.len / 2), true));
	open_rig(rig, path);
}

START_TEST(cancelling_ends_waiting)
{
	struct rig rig = {.bytes = make_image()};
	struct bmap_error err = {0};
	struct reacher reachers[6];

	alarm(60);
	open_stuck(&rig);
	start(reachers, &rig, reach_end);
	usleep(20000);
	spill_cancel(rig.spill);
	check_reachers(reachers, -ECANCELED);
	FAILS(spill_reach(rig.spill, SIZE, &err), ECANCELED, "");
	close_rig(&rig);
}
END_TEST

START_TEST(the_end_does_not_wait)
{
	for (size_t i = 0; i < 2; i++) {
		struct rig rig = {.bytes = make_image()};

		alarm(60);
		open_stuck(&rig);
		if (i)
			spill_stop(rig.spill);
		close_rig(&rig);
	}
	spill_free(NULL);
}
END_TEST

UNIT_MAIN("spill", every_codec_is_read_anywhere, after_a_failure_it_begins_anew,
	  what_was_kept_stays_after_a_failure, a_ledger_hears_each_byte_once, pieces_are_learned,
	  checkpoints_are_made_and_gone_on_from, six_threads_read, a_failure_is_met_by_all_who_wait,
	  cancelling_ends_waiting, the_end_does_not_wait)
