/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Local files of every codec, read here and there. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bmap/view.h"
#include "unit.h"

#define BLOCK 2048
#define SIZE  (150 * BLOCK + 500) /* the last block is not whole */

/* Small ranges, one that is larger than a piece, and the last block. */
static const struct bmap_range ranges[] = {{0, 3},   {3, 1},   {10, 20},  {31, 1},
					   {40, 70}, {115, 1}, {120, 10}, {140, 11}};

static const struct bmap_view_options plain = {
	.temporary_folder = ".",
	.n_threads = 2,
	.memory_bytes = 200000,
};

/* What is mapped is text and noise; what is not is rubbish that nobody may see. */
static struct bytes make_image(void)
{
	struct bytes image = bytes_zeros(SIZE), text = bytes_text(SIZE / 2);
	struct bytes noise = bytes_random(SIZE - text.len, 1);

	memcpy(image.data, text.data, text.len);
	memcpy(image.data + text.len, noise.data, noise.len);
	return image;
}

/* As it should be read. */
static struct bytes with_holes(struct bytes image)
{
	struct bytes sparse = bytes_zeros(image.len);

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		size_t at = ranges[i].first_block * BLOCK;

		memcpy(sparse.data + at, image.data + at,
		       MIN(ranges[i].n_blocks * BLOCK, image.len - at));
	}
	return sparse;
}

static struct bmap *make_map(struct bytes image)
{
	return map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
}

/* Frames or members of @part bytes behind each other. */
static struct bytes encode_parts(const char *codec, struct bytes image, size_t part)
{
	struct bytes out = bytes_zeros(0);

	for (size_t at = 0; at < image.len; at += part)
		out = bytes_join(out,
				 encode(codec, bytes_part(image, at, MIN(part, image.len - at))));
	return out;
}

/* Every way in which an image is packed here; the files are "raw", "gzip", ... */
static const char *const forms[] = {"raw",        "gzip",       "xz",         "zstd",
				    "bzip2",      "lz4",        "lzop",       "xz-blocks",
				    "gzip-parts", "xz-parts",   "zstd-parts", "bzip2-parts",
				    "lz4-parts",  "lzop-parts", NULL};

/* Some of them: every way in which a view goes about it. */
static const char *const few_forms[] = {"raw",         "gzip", "xz-blocks", "zstd",
					"bzip2-parts", "lz4",  "lzop",      NULL};

static bool make_form(const char *form, struct bytes image)
{
	char codec[20];
	struct bytes in;

	snprintf(codec, sizeof(codec), "%.*s", (int)strcspn(form, "-"), form);
	if (strcmp(codec, "raw") != 0 && !codec_or_note(codec))
		return false;
	if (!strcmp(form, "xz-blocks"))
		in = encode_xz_blocks(image, 20000);
	else if (strstr(form, "-parts"))
		in = encode_parts(codec, image, 20001);
	else
		in = strcmp(form, "raw") ? encode(form, image) : image;
	write_file(form, in);
	return true;
}

static struct bmap_view *open_view(const char *form, const struct bmap *map,
				   const struct bmap_view_options *options)
{
	struct bmap_view *view = NULL;
	struct bmap_error err = {0};
	int r = bmap_view_open(&view, form, map, options, &err);

	ck_assert_msg(r == 0, "%s: %d (%s)", form, r, err.message);
	return view;
}

static void check_read(struct bmap_view *view, struct bytes image, size_t at, size_t len)
{
	struct bmap_error err = {0};
	uint8_t *buf = malloc(len);
	size_t expected = at < image.len ? MIN(len, image.len - at) : 0;
	ssize_t n;

	memset(buf, 0xee, len);
	n = bmap_view_pread(view, buf, len, at, &err);
	ck_assert_msg(n == (ssize_t)expected, "%s, %zu bytes at %zu: %zd (%s)",
		      bmap_view_name(view), len, at, n, err.message);
	for (size_t i = 0; memcmp(buf, image.data + at, expected) != 0 && i < expected; i++) {
		if (buf[i] != image.data[at + i])
			ck_abort_msg("%s, %zu bytes at %zu: byte %zu is other",
				     bmap_view_name(view), len, at, at + i);
	}
	free(buf);
}

static void check_everywhere(struct bmap_view *view, struct bytes image)
{
	uint32_t seed = 1;

	check_read(view, image, SIZE - 10, 20);
	check_read(view, image, SIZE, 20);
	check_read(view, image, SIZE + 100, 20);
	check_read(view, image, 0, 1);
	for (size_t i = 0; i < 16; i++) {
		seed = seed * 1103515245 + 12345;
		check_read(view, image, (seed >> 8) % SIZE, i % 8 ? 1000 + i * 700 : 100000);
	}
	for (size_t at = 0; at < SIZE; at += 65536)
		check_read(view, image, at, 65536);
	check_read(view, image, 0, SIZE + 1);
}

START_TEST(every_form_is_read_anywhere)
{
	struct bytes image = make_image(), sparse = with_holes(image);
	struct bmap *map = make_map(image);

	for (const char *const *form = forms; *form; form++) {
		struct bmap_view_statistics statistics;
		struct bmap_view *view;

		if (!make_form(*form, image))
			continue;
		view = open_view(*form, map, &plain);
		ck_assert_str_eq(bmap_view_name(view), *form);
		ck_assert_uint_eq(bmap_view_size(view), SIZE);
		ck_assert_uint_eq(bmap_view_mapped_bytes(view), bmap_mapped_bytes(map));
		check_everywhere(view, sparse);
		bmap_view_get_statistics(view, &statistics);
		ck_assert_msg(strncmp(statistics.codec, *form, strlen(statistics.codec)) == 0,
			      "%s is %s", *form, statistics.codec);
		ck_assert_msg(statistics.verified_ranges == ARRAY_SIZE(ranges), "%s: %d ranges",
			      *form, (int)statistics.verified_ranges);
		bmap_view_close(view);
	}
	bmap_view_close(NULL);
	bmap_free(map);
}
END_TEST

START_TEST(without_a_map_all_is_there)
{
	struct bytes image = make_image();

	for (const char *const *form = forms; *form; form++) {
		struct bmap_view *view;

		if (!make_form(*form, image))
			continue;
		view = open_view(*form, NULL, &plain);
		ck_assert_uint_eq(bmap_view_size(view), SIZE);
		ck_assert_uint_eq(bmap_view_mapped_bytes(view), SIZE);
		check_everywhere(view, image);
		bmap_view_close(view);
	}
}
END_TEST

START_TEST(images_of_no_bytes)
{
	struct bytes image = bytes_zeros(0);
	struct bmap_error err = {0};
	struct bmap *map;

	OK(bmap_new(&map, 0, BLOCK, NULL, &err));
	for (const char *const *form = forms; *form; form++) {
		if (strstr(*form, "-parts") || !make_form(*form, image))
			continue;
		for (size_t i = 0; i < 2; i++) {
			struct bmap_view *view = open_view(*form, i ? map : NULL, &plain);
			uint64_t at;

			ck_assert_uint_eq(bmap_view_size(view), 0);
			check_read(view, image, 0, 10);
			ck_assert(!bmap_view_find_data(view, 0, &at));
			ck_assert(!bmap_view_find_hole(view, 0, &at));
			bmap_view_close(view);
		}
	}
	bmap_free(map);
}
END_TEST

static bool is_mapped(uint64_t block)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (block >= ranges[i].first_block &&
		    block < ranges[i].first_block + ranges[i].n_blocks)
			return true;
	}
	return false;
}

START_TEST(data_and_holes_are_found)
{
	struct bytes image = make_image();
	struct bmap *map = make_map(image);
	struct bmap_view *view;
	uint64_t at;

	make_form("raw", image);
	view = open_view("raw", map, &plain);
	for (uint64_t offset = 0; offset < SIZE; offset += 1000) {
		uint64_t data = offset, hole = offset, n = bmap_n_blocks(map);

		while (data / BLOCK < n && !is_mapped(data / BLOCK))
			data = (data / BLOCK + 1) * BLOCK;
		while (hole / BLOCK < n && is_mapped(hole / BLOCK))
			hole = (hole / BLOCK + 1) * BLOCK;
		ck_assert_int_eq(bmap_view_find_data(view, offset, &at), data < SIZE);
		if (data < SIZE)
			ck_assert_uint_eq(at, data);
		ck_assert(bmap_view_find_hole(view, offset, &at));
		ck_assert_uint_eq(at, MIN(hole, (uint64_t)SIZE));
	}
	ck_assert(!bmap_view_find_data(view, SIZE, &at));
	ck_assert(!bmap_view_find_hole(view, SIZE, &at));
	ck_assert(!bmap_view_find_data(view, UINT64_MAX, &at));
	ck_assert(!bmap_view_find_hole(view, UINT64_MAX, &at));
	bmap_view_close(view);
	view = open_view("raw", NULL, &plain);
	ck_assert(bmap_view_find_data(view, 5000, &at));
	ck_assert_uint_eq(at, 5000);
	ck_assert(bmap_view_find_hole(view, 5000, &at));
	ck_assert_uint_eq(at, SIZE);
	bmap_view_close(view);
	bmap_free(map);
}
END_TEST

/* ---- verification ---- */

#define BAD_AT   (60 * BLOCK + 17) /* in the range of 70 blocks */
#define BAD_SAYS "checksum mismatch for blocks range 40-109"

/* The file has another byte there than the map says. */
static struct bmap *make_bad(const char *form, struct bytes image, size_t at)
{
	struct bytes bad = bytes_join(image, bytes_zeros(0));

	bad.data[at] ^= 1;
	return make_form(form, bad) ? make_map(image) : NULL;
}

static ssize_t read_at(struct bmap_view *view, size_t at, size_t len, struct bmap_error *err)
{
	return bmap_view_pread(view, unit_alloc(len), len, at, err);
}

START_TEST(no_byte_of_a_wrong_range_is_handed_out)
{
	struct bytes image = make_image(), sparse = with_holes(image);

	for (const char *const *form = forms; *form; form++) {
		for (size_t strict = 0; strict < 2; strict++) {
			struct bmap *map = make_bad(*form, image, BAD_AT);
			struct bmap_view_options options = plain;
			struct bmap_view *view;
			struct bmap_error err = {0};

			if (!map)
				continue;
			options.verify = strict ? BMAP_VERIFY_STRICT : BMAP_VERIFY_WINDOW;
			options.verify_window_bytes = strict ? BLOCK : 0;
			view = open_view(*form, map, &options);
			FAILS(read_at(view, 40 * BLOCK, 1, &err), EBADMSG, BAD_SAYS);
			FAILS(read_at(view, 109 * BLOCK, 10, &err), EBADMSG, *form);
			FAILS(read_at(view, 0, SIZE, &err), EBADMSG, BAD_SAYS);
			check_read(view, sparse, 0, 40 * BLOCK);
			check_read(view, sparse, 110 * BLOCK, SIZE);
			FAILS(read_at(view, BAD_AT, 1, &err), EBADMSG, BAD_SAYS);
			bmap_view_close(view);
			bmap_free(map);
		}
	}
}
END_TEST

START_TEST(a_range_larger_than_the_window_fails_at_its_end)
{
	struct bytes image = make_image(), sparse = with_holes(image), bad;

	bad = bytes_join(sparse, bytes_zeros(0));
	bad.data[BAD_AT] ^= 1;
	for (const char *const *form = few_forms; *form; form++) {
		struct bmap *map = make_bad(*form, image, BAD_AT);
		struct bmap_view_options options = plain;
		struct bmap_error err = {0};
		struct bmap_view *view;
		ssize_t r = 0;

		if (!map)
			continue;
		options.verify_window_bytes = 50 * BLOCK;
		view = open_view(*form, map, &options);
		if (!bmap_view_is_forward(view)) /* what is decoded on the way is compared */
			check_read(view, bad, 50 * BLOCK, 20 * BLOCK);
		/* read to its end it is known */
		for (size_t at = 40 * BLOCK; r >= 0 && at < 110 * BLOCK; at += 10 * BLOCK)
			r = read_at(view, at, 10 * BLOCK, &err);
		if (r >= 0)
			r = read_at(view, 40 * BLOCK, 1, &err);
		ck_assert_msg(r == -EBADMSG, "%s: %zd", *form, r);
		ck_assert_ptr_nonnull(strstr(err.message, BAD_SAYS));
		err = (struct bmap_error){0};
		FAILS(read_at(view, 90 * BLOCK, 1, &err), EBADMSG, BAD_SAYS);
		check_read(view, sparse, 110 * BLOCK, SIZE);
		bmap_view_close(view);
		bmap_free(map);
	}
}
END_TEST

/* The kernel asks for what is read in order in another one: some of it behind the end. */
START_TEST(the_end_of_a_large_range_waits_for_what_is_missing)
{
	struct bytes image = make_image(), sparse = with_holes(image);

	for (const char *const *form = few_forms; *form; form++) {
		struct bmap *map = make_bad(*form, image, BAD_AT);
		struct bmap_view_options options = plain;
		struct bmap_error err = {0};
		struct bmap_view *view;

		if (!map)
			continue;
		options.verify_window_bytes = 50 * BLOCK;
		/* the pieces of what is missing have left the cache */
		options.memory_bytes = 24 * BLOCK;
		view = open_view(*form, map, &options);
		if (!bmap_view_is_forward(view)) {
			check_read(view, sparse, 40 * BLOCK, 10 * BLOCK);
			check_read(view, sparse, 80 * BLOCK, 29 * BLOCK);
		}
		FAILS(read_at(view, 109 * BLOCK, BLOCK, &err), EBADMSG, BAD_SAYS);
		bmap_view_close(view);
		bmap_free(map);
	}
}
END_TEST

START_TEST(a_range_larger_than_the_window_can_be_right)
{
	struct bytes image = make_image(), sparse = with_holes(image);
	struct bmap *map = make_map(image);

	for (const char *const *form = few_forms; *form; form++) {
		struct bmap_view_options options = plain;
		struct bmap_view_statistics statistics;
		struct bmap_view *view;

		if (!make_form(*form, image))
			continue;
		options.verify_window_bytes = BLOCK;
		view = open_view(*form, map, &options);
		check_everywhere(view, sparse);
		bmap_view_get_statistics(view, &statistics);
		ck_assert_msg(statistics.verified_ranges == ARRAY_SIZE(ranges), "%s: %d ranges",
			      *form, (int)statistics.verified_ranges);
		bmap_view_close(view);
	}
	bmap_free(map);
}
END_TEST

START_TEST(without_verification_all_is_handed_out)
{
	struct bytes image = make_image(), bad = with_holes(image);
	struct bmap *map = make_bad("raw", image, BAD_AT);

	bad.data[BAD_AT] ^= 1;
	for (const char *const *form = few_forms; *form; form++) {
		struct bmap_view_options options = plain;
		struct bmap_view_statistics statistics;
		struct bmap_view *view;

		bmap_free(map);
		map = make_bad(*form, image, BAD_AT);
		if (!map)
			continue;
		options.verify = BMAP_VERIFY_OFF;
		view = open_view(*form, map, &options);
		check_everywhere(view, bad);
		bmap_view_get_statistics(view, &statistics);
		ck_assert_uint_eq(statistics.verified_ranges, 0);
		bmap_view_close(view);
	}
	bmap_free(map);
}
END_TEST

START_TEST(strict_needs_checksums)
{
	struct bytes image = make_image();
	struct bmap *map = map_of(NULL, SIZE, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_view_options options = plain;
	struct bmap_view *view = NULL;
	struct bmap_error err = {0};

	make_form("raw", image);
	options.verify = BMAP_VERIFY_STRICT;
	FAILS(bmap_view_open(&view, "raw", map, &options, &err), EINVAL,
	      "'raw' cannot be verified strictly: not all ranges of its map have a checksum");
	FAILS(bmap_view_open(&view, "raw", NULL, &options, &err), EINVAL,
	      "'raw' cannot be verified strictly: there is no map");
	ck_assert_ptr_null(view);
	view = open_view("raw", map, &plain); /* otherwise they need not be there */
	check_everywhere(view, with_holes(image));
	bmap_view_close(view);
	bmap_free(map);
}
END_TEST

/* ---- what does not belong together ---- */

START_TEST(another_size_than_in_the_map)
{
	struct bytes image = make_image();
	struct bytes longer = bytes_join(image, bytes_zeros(10 * BLOCK));
	struct bytes shorter = bytes_part(image, 0, SIZE - 20 * BLOCK);
	struct bmap_error err = {0};
	struct bmap_view *view = NULL;
	struct bmap *map;

	for (const char *const *form = few_forms; *form; form++) {
		for (size_t is_longer = 0; is_longer < 2; is_longer++) {
			ssize_t r;

			map = make_map(image);
			if (make_form(*form, is_longer ? longer : shorter)) {
				r = bmap_view_open(&view, *form, map, &plain, &err);
				if (r == 0)
					r = read_at(view, 120 * BLOCK, SIZE, &err);
				ck_assert_msg(r < 0 || is_longer, "%s: %zd", *form, r);
				ck_assert_msg(r >= 0 || r == -EBADMSG || r == -ENODATA,
					      "%s: %zd (%s)", *form, r, err.message);
				ck_assert_msg(r >= 0 || strstr(err.message, *form), "%s: %s", *form,
					      err.message);
			}
			bmap_view_close(view);
			bmap_free(map);
			view = NULL;
			err = (struct bmap_error){0};
		}
	}
	make_form("raw", longer);
	map = make_map(image);
	FAILS(bmap_view_open(&view, "raw", map, &plain, &err), EBADMSG,
	      "the image 'raw' has 328180 bytes, but its map is of one with 307700: they do not "
	      "belong together");
	bmap_free(map);
}
END_TEST

START_TEST(truncated_files_are_an_error)
{
	struct bytes image = make_image(), sparse = with_holes(image);
	struct bmap *map = make_map(image);

	for (const char *const *form = forms; *form; form++) {
		struct bmap_error err = {0};
		struct bmap_view *view = NULL;
		struct bytes in;
		ssize_t r;

		if (!make_form(*form, image))
			continue;
		in = read_file(*form);
		write_file(*form, bytes_part(in, 0, in.len - in.len / 20));
		r = bmap_view_open(&view, *form, map, &plain, &err);
		if (r == 0) {
			r = read_at(view, 148 * BLOCK, 100, &err);
			ck_assert_msg(r == -ENODATA || r == -EBADMSG, "%s: %zd (%s)", *form, r,
				      err.message);
			check_read(view, sparse, 0, 10 * BLOCK); /* what is there stays good */
		}
		ck_assert_msg(r == -ENODATA || r == -EBADMSG || r == -EPROTO, "%s: %zd (%s)", *form,
			      r, err.message);
		ck_assert_msg(strstr(err.message, *form), "%s: %s", *form, err.message);
		bmap_view_close(view);
	}
	bmap_free(map);
}
END_TEST

START_TEST(a_file_that_changes_is_noticed)
{
	struct bytes image = make_image();
	struct bmap_error err = {0};

	for (const char *const *form = few_forms; *form; form++) {
		const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
		struct bmap_view_statistics statistics;
		struct bmap_view *view;
		ssize_t r;

		if (!make_form(*form, image))
			continue;
		view = open_view(*form, NULL, &plain);
		bmap_view_get_statistics(view, &statistics);
		if (statistics.n_pieces == 0) {
			bmap_view_close(view);
			continue; /* without a map it was decoded already */
		}
		OK(read_at(view, 0, 10, &err));
		write_file(*form, bytes_random(read_file(*form).len, 9));
		ck_assert_int_eq(utimensat(AT_FDCWD, *form, times, 0), 0);
		r = read_at(view, 120 * BLOCK, 20 * BLOCK, &err);
		ck_assert_msg(r == -EBADMSG, "%s: %zd (%s)", *form, r, err.message);
		err = (struct bmap_error){0};
		bmap_view_close(view);
	}
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	struct bmap_view *view = NULL;
	struct bmap_error err = {0};
	struct bmap_view_options options = plain;

	FAILS(bmap_view_open(&view, "no/such", NULL, &plain, &err), ENOENT,
	      "cannot open image: cannot open 'no/such': No such file");
	if (codec_or_note("bzip2")) {
		make_form("bzip2", make_image());
		options.temporary_folder = "no/folder";
		FAILS(bmap_view_open(&view, "bzip2", NULL, &options, &err), ENOENT,
		      "cannot make a file in 'no/folder'");
	}
	ck_assert_ptr_null(view);
}
END_TEST

/* ---- the rest ---- */

START_TEST(names_and_times)
{
	static const struct {
		const char *path, *name;
	} cases[] = {{"disk.img", "disk.img"}, {"folder/disk.img", "disk.img"}};
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1234567}};
	struct bytes image = make_image();

	ck_assert_int_eq(mkdir("folder", 0777), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bmap_error err = {0};
		struct bmap_view *view;
		char *name = NULL;

		write_file(cases[i].path, image);
		ck_assert_int_eq(utimensat(AT_FDCWD, cases[i].path, times, 0), 0);
		view = open_view(cases[i].path, NULL, &plain);
		OK(bmap_view_file_name(view, &name, &err));
		ck_assert_str_eq(name, cases[i].name);
		ck_assert_int_eq(bmap_view_mtime(view), 1234567);
		free(name);
		bmap_view_close(view);
	}
	for (const char *const *codec = codec_names; *codec; codec++) {
		static const char *const suffixes[] = {"gz", "xz", "zst", "bz2", "lz4", "lzo"};
		struct bmap_error err = {0};
		struct bmap_view *view;
		char path[50], *name = NULL;

		if (!codec_or_note(*codec))
			continue;
		snprintf(path, sizeof(path), "folder/disk.img.%s", suffixes[codec - codec_names]);
		write_file(path, encode(*codec, image));
		view = open_view(path, NULL, &plain);
		OK(bmap_view_file_name(view, &name, &err));
		ck_assert_str_eq(name, "disk.img");
		free(name);
		bmap_view_close(view);
	}
}
END_TEST

START_TEST(a_cancelled_view_stays_so)
{
	struct bytes image = make_image();
	struct bmap *map = make_map(image);

	for (const char *const *form = few_forms; *form; form++) {
		struct bmap_error err = {0};
		struct bmap_view *view;

		if (!make_form(*form, image))
			continue;
		view = open_view(*form, map, &plain);
		OK(read_at(view, 0, 100, &err));
		bmap_view_cancel(view);
		FAILS(read_at(view, 110 * BLOCK, 100, &err), ECANCELED, "cancelled");
		FAILS(read_at(view, 0, 100, &err), ECANCELED, "cancelled");
		bmap_view_close(view);
	}
	bmap_free(map);
}
END_TEST

/* ---- threads ---- */

struct reader {
	struct bmap_view *view;
	struct bytes image;
	uint32_t seed;
	const char *failed;
};

static void *read_about(void *opaque)
{
	struct reader *reader = opaque;
	uint8_t *buf = malloc(100000);

	for (size_t i = 0; i < 20 && !reader->failed; i++) {
		struct bmap_error err = {0};
		size_t at, len;
		ssize_t n;

		reader->seed = reader->seed * 1103515245 + 12345;
		at = (reader->seed >> 8) % SIZE;
		/* half of them read in order */
		if (reader->seed & 0x80)
			at = i * 16384 % SIZE;
		len = MIN((size_t)1 + (reader->seed >> 4) % 100000, SIZE - at);
		n = bmap_view_pread(reader->view, buf, len, at, &err);
		if (n != (ssize_t)len)
			reader->failed = "it cannot be read";
		else if (memcmp(buf, reader->image.data + at, len) != 0)
			reader->failed = "other bytes";
	}
	free(buf);
	return NULL;
}

static void read_in_threads(const char *form, const struct bmap *map, struct bytes image,
			    uint64_t memory_bytes)
{
	struct bmap_view_options options = plain;
	struct reader readers[8];
	pthread_t threads[8];

	options.memory_bytes = memory_bytes;
	options.n_threads = 3;
	options.verify_window_bytes = map ? 30 * BLOCK : 0;
	for (size_t i = 0; i < 8; i++) {
		if (i == 0)
			readers[0].view = open_view(form, map, &options);
		readers[i] = (struct reader){readers[0].view, image, (uint32_t)i * 77 + 1, NULL};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_about, &readers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_msg(!readers[i].failed, "%s, thread %zu: %s", form, i, readers[i].failed);
	}
	bmap_view_close(readers[0].view);
}

START_TEST(eight_threads_read_with_little_memory)
{
	struct bytes image = make_image(), sparse = with_holes(image);
	struct bmap *map = make_map(image);

	for (const char *const *form = forms; *form; form++) {
		if (!make_form(*form, image))
			continue;
		read_in_threads(*form, map, sparse, 1); /* less than a piece */
		read_in_threads(*form, NULL, image, 120000);
	}
	bmap_free(map);
}
END_TEST

static void *read_until_cancelled(void *opaque)
{
	struct reader *reader = opaque;
	struct bmap_error err = {0};
	uint8_t buf[4096];

	for (;;) {
		ssize_t n;

		reader->seed = reader->seed * 1103515245 + 12345;
		n = bmap_view_pread(reader->view, buf, sizeof(buf), (reader->seed >> 8) % SIZE,
				    &err);
		if (n < 0)
			break;
	}
	if (err.code != ECANCELED)
		reader->failed = "another failure";
	return NULL;
}

START_TEST(cancelling_ends_all_reading)
{
	struct bytes image = make_image();

	for (const char *const *form = few_forms; *form; form++) {
		struct bmap *map = make_map(image);
		struct reader readers[4];
		pthread_t threads[4];

		if (make_form(*form, image)) {
			for (size_t i = 0; i < 4; i++) {
				if (i == 0)
					readers[0].view = open_view(*form, map, &plain);
				readers[i] =
					(struct reader){readers[0].view, image, (uint32_t)i, NULL};
				ck_assert_int_eq(pthread_create(&threads[i], NULL,
								read_until_cancelled, &readers[i]),
						 0);
			}
			usleep(3000);
			bmap_view_cancel(readers[0].view);
			for (size_t i = 0; i < 4; i++) {
				pthread_join(threads[i], NULL);
				ck_assert_msg(!readers[i].failed, "%s: %s", *form,
					      readers[i].failed);
			}
			bmap_view_close(readers[0].view);
		}
		bmap_free(map);
	}
}
END_TEST

/* ---- indexes ---- */

START_TEST(an_index_makes_gzip_readable_anywhere)
{
	struct bytes image = make_image(), sparse = with_holes(image);
	struct bmap *map = make_map(image);
	struct bmap_view_options options = plain;
	struct bmap_view_statistics statistics;
	struct bmap_error err = {0};
	struct bmap_view *view;

	options.index_step_bytes = BMAP_MIN_INDEX_STEP;
	for (size_t with_map = 0; with_map < 2; with_map++) {
		write_file("disk.gz", encode("gzip", image));
		OK(bmap_index_write("disk.gz", with_map ? map : NULL, &options, "disk.gz.gzidx",
				    &err));
		view = open_view("disk.gz", map, &options);
		ck_assert(!bmap_view_is_forward(view));
		check_read(view, sparse, 148 * BLOCK, 100);
		bmap_view_get_statistics(view, &statistics);
		ck_assert_uint_gt(statistics.n_pieces, 3);
		ck_assert_uint_lt(statistics.decoded_bytes, SIZE / 2);
		check_everywhere(view, sparse);
		bmap_view_close(view);
		read_in_threads("disk.gz", map, sparse, 90000);
		view = open_view("disk.gz", NULL, &options);
		ck_assert_uint_eq(bmap_view_size(view), SIZE);
		check_everywhere(view, image);
		bmap_view_close(view);
	}
	FAILS(bmap_index_write("disk.gz", map, &options, "no/such", &err), ENOENT, "'no/such'");
	make_form("raw", image);
	FAILS(bmap_index_write("raw", NULL, &options, "x", &err), EOPNOTSUPP, "'raw' ");
	make_form("xz-blocks", image);
	FAILS(bmap_index_write("xz-blocks", NULL, &options, "x", &err), EOPNOTSUPP, "'xz-blocks' ");
	write_file("disk.gz", encode("gzip", bytes_part(image, 0, SIZE - 1)));
	FAILS(bmap_index_write("disk.gz", map, &options, "x", &err), EBADMSG,
	      "they do not belong together");
	FAILS(bmap_index_write("none", map, &options, "x", &err), ENOENT, "cannot open image");
	bmap_free(map);
}
END_TEST

START_TEST(an_index_of_another_file_is_left_alone)
{
	struct bytes image = make_image();
	struct bmap_view_options options = plain;
	struct bmap_error err = {0};
	struct bmap_view *view;

	options.index_step_bytes = BMAP_MIN_INDEX_STEP;
	write_file("disk.gz", encode("gzip", bytes_part(image, 0, SIZE / 2)));
	OK(bmap_index_write("disk.gz", NULL, &options, "disk.gz.gzidx", &err));
	write_file("disk.gz", encode("gzip", image));
	view = open_view("disk.gz", NULL, &options);
	check_everywhere(view, image);
	bmap_view_close(view);
	write_file("disk.gz.gzidx", bytes_random(1000, 1));
	view = open_view("disk.gz", NULL, &options);
	check_everywhere(view, image);
	bmap_view_close(view);
}
END_TEST

START_TEST(a_lying_index_is_found_out)
{
	struct bytes image = make_image(), sparse = with_holes(image), index;
	struct bmap *map = make_map(image);
	struct bmap_view_options options = plain;
	struct bmap_error err = {0};
	struct bmap_view *view;
	ssize_t r;

	options.index_step_bytes = BMAP_MIN_INDEX_STEP;
	write_file("disk.gz", encode("gzip", image));
	OK(bmap_index_write("disk.gz", NULL, &options, "disk.gz.gzidx", &err));
	index = read_file("disk.gz.gzidx");
	ck_assert_uint_gt(index.len, 3 * 32768);
	for (size_t i = 0; i < 32768; i++)
		index.data[index.len - 2 * 32768 - i] ^= 0x20; /* a window in the middle */
	write_file("disk.gz.gzidx", index);
	view = open_view("disk.gz", map, &options);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		size_t at = ranges[i].first_block * BLOCK, len = ranges[i].n_blocks * BLOCK;
		uint8_t *buf = unit_alloc(len);

		len = MIN(len, SIZE - at);
		r = bmap_view_pread(view, buf, len, at, &err);
		ck_assert(r == -EBADMSG || r == (ssize_t)len);
		if (r > 0)
			ck_assert_mem_eq(buf, sparse.data + at, len);
		err = (struct bmap_error){0};
	}
	bmap_view_close(view);
	bmap_free(map);
}
END_TEST

START_TEST(an_index_that_was_made_is_kept)
{
	struct bytes image = make_image(), sparse = with_holes(image);
	struct bmap *map = make_map(image);
	struct bmap_view_options options = plain;
	struct bmap_view_statistics statistics;
	struct bmap_view *view;

	options.index_step_bytes = BMAP_MIN_INDEX_STEP;
	options.index_folder = "kept/here";
	write_file("disk.gz", encode("gzip", image));
	/* the first half of it */
	view = open_view("disk.gz", map, &options);
	ck_assert(bmap_view_is_forward(view));
	check_read(view, sparse, 70 * BLOCK, BLOCK);
	bmap_view_close(view);
	/* and all of it */
	view = open_view("disk.gz", map, &options);
	check_read(view, sparse, 120 * BLOCK, SIZE);
	check_read(view, sparse, 0, 40 * BLOCK);
	check_everywhere(view, sparse);
	bmap_view_close(view);
	view = open_view("disk.gz", map, &options);
	ck_assert(!bmap_view_is_forward(view));
	check_read(view, sparse, 148 * BLOCK, 100);
	bmap_view_get_statistics(view, &statistics);
	ck_assert_uint_lt(statistics.decoded_bytes, SIZE / 2);
	check_everywhere(view, sparse);
	bmap_view_close(view);
	bmap_free(map);
}
END_TEST

UNIT_MAIN("view", every_form_is_read_anywhere, without_a_map_all_is_there, images_of_no_bytes,
	  data_and_holes_are_found, no_byte_of_a_wrong_range_is_handed_out,
	  a_range_larger_than_the_window_fails_at_its_end,
	  the_end_of_a_large_range_waits_for_what_is_missing,
	  a_range_larger_than_the_window_can_be_right, without_verification_all_is_handed_out,
	  strict_needs_checksums, another_size_than_in_the_map, truncated_files_are_an_error,
	  a_file_that_changes_is_noticed, what_cannot_be_opened_says_why, names_and_times,
	  a_cancelled_view_stays_so, eight_threads_read_with_little_memory,
	  cancelling_ends_all_reading, an_index_makes_gzip_readable_anywhere,
	  an_index_of_another_file_is_left_alone, a_lying_index_is_found_out,
	  an_index_that_was_made_is_kept)
