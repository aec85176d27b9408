/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bmap_copy() and bmap_create() from end to end. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bmap/job.h"
#include "unit.h"

#define BLOCK 4096

static const struct bmap_range ranges[] = {{0, 3}, {100, 200}, {700, 1}, {976, 1}};

/* 4 MB and a part of a block, with something in the holes of the map too. */
static struct bytes make_image(void)
{
	return bytes_join(bytes_text(2000000), bytes_random(2000000, 1));
}

static struct bytes masked(struct bytes image)
{
	struct bytes only = bytes_zeros(image.len);

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		size_t first = ranges[i].first_block * BLOCK;
		size_t len = MIN(ranges[i].n_blocks * BLOCK, image.len - first);

		memcpy(only.data + first, image.data + first, len);
	}
	return only;
}

struct run {
	struct bmap_job *job; /* NULL: one of its own */
	const struct bmap *map;
	bool no_verify;
	struct bmap_copy_result result;
};

static int copy(struct run *run, const char *from, const char *to, struct bmap_error *err)
{
	const struct bmap_copy_options options = {.no_verify = run->no_verify};
	struct bmap_job *job = run->job ? run->job : bmap_job_new();
	struct bmap_target *target = NULL;
	struct bmap_image *image = NULL;
	int r = bmap_image_open(&image, from, &(struct bmap_image_options){.n_threads = 2}, err);

	if (r == 0 && !run->map)
		r = bmap_image_check_archive(image, err);
	if (r == 0)
		r = bmap_target_open(&target, to, &(struct bmap_target_options){0}, err);
	if (r == 0)
		r = bmap_copy(job, image, run->map, target, &options, &run->result, err);
	if (r == 0) {
		if (run->map)
			ck_assert_uint_eq(run->result.copied_bytes, run->result.mapped_bytes);
		r = bmap_target_sync(target, err);
	}
	bmap_target_close(target);
	bmap_image_close(image);
	if (!run->job)
		bmap_job_free(job);
	return r;
}

START_TEST(mapped_blocks_are_copied_from_any_image)
{
	struct bytes image = make_image();
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));

	for (const char *const *name = codec_names;; name++) {
		struct run run = {.map = map};
		struct bmap_error err = {0};

		if (*name && !codec_or_note(*name))
			continue;
		write_file("image", *name ? encode(*name, image) : image);
		write_file("out", bytes_random(5000000, 2)); /* longer, and full of garbage */
		OK(copy(&run, "image", "out", &err));
		ck_assert(run.result.target_changed);
		ck_assert_uint_eq(run.result.image_size_bytes, image.len);
		ck_assert_uint_eq(run.result.mapped_bytes, bmap_mapped_bytes(map));
		ck_assert_uint_eq(run.result.end_bytes, image.len);
		for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
			size_t first = ranges[i].first_block * BLOCK;

			ck_assert_mem_eq(read_file("out").data + first, image.data + first,
					 MIN(ranges[i].n_blocks * BLOCK, image.len - first));
		}
		ck_assert_uint_eq(read_file("out").len, image.len);
		ASSERT_BYTES(masked(read_file("out")), read_file("out")); /* zeros elsewhere */
		if (!*name)
			break;
	}
	bmap_free(map);
}
END_TEST

START_TEST(without_a_map_all_is_copied)
{
	struct bytes image = make_image();
	struct bytes tar = bytes_join(tar_member('0', "disk.img", image), tar_end());
	struct bytes inputs[] = {image, encode("gzip", image), encode_xz_blocks(image, 300000),
				 tar,   encode("gzip", tar),   bytes_zeros(0)};

	memset(image.data + 500000, 0, 1000000);
	inputs[0] = image;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct bmap_error err = {0};
		struct run run = {0};
		struct bytes expected = i == 0                       ? image
					: i < ARRAY_SIZE(inputs) - 1 ? make_image()
								     : bytes_zeros(0);

		write_file("image", inputs[i]);
		OK(copy(&run, "image", "out", &err));
		ASSERT_BYTES(read_file("out"), expected);
		unlink("out");
	}
}
END_TEST

START_TEST(what_is_found_before_the_first_write_leaves_the_target)
{
	static const struct bmap_range first[] = {{0, 3}};
	struct bytes image = make_image(), bad, old = bytes_of("precious");
	struct bmap *map = map_of(&image, image.len, BLOCK, first, 1);
	struct bmap *larger = map_of(NULL, image.len + BLOCK, BLOCK, first, 1);
	struct bmap_error err = {0};
	struct run run = {.map = map};

	write_file("out", old);
	bad = bytes_join(image, bytes_zeros(0));
	bad.data[2 * BLOCK] ^= 1;
	write_file("image", bad);
	FAILS(copy(&run, "image", "out", &err), EBADMSG, "checksum mismatch for blocks range 0-2");
	ck_assert(!run.result.target_changed);
	write_file("image", encode("gzip", bad));
	FAILS(copy(&run, "image", "out", &err), EBADMSG, "checksum mismatch for blocks range 0-2");
	write_file("image", image);
	run.map = larger;
	FAILS(copy(&run, "image", "out", &err), EBADMSG, "cannot set image size to");
	FAILS(copy(&run, "none", "out", &err), ENOENT, "cannot open 'none'");
	run.map = NULL;
	write_file("image", bytes_join(tar_member('0', "a.img", image),
				       bytes_join(tar_member('0', "b.img", image), tar_end())));
	FAILS(copy(&run, "image", "out", &err), EPROTO, "more than one image");
	write_file("image", encode("gzip", read_file("image")));
	FAILS(copy(&run, "image", "out", &err), EPROTO, "more than one image");
	ck_assert(!run.result.target_changed);
	ASSERT_BYTES(read_file("out"), old);
	/* nor is a file left that was not there */
	FAILS(copy(&run, "image", "new", &err), EPROTO, "more than one image");
	ck_assert_int_lt(access("new", F_OK), 0);
	bmap_free(larger);
	bmap_free(map);
}
END_TEST

START_TEST(images_that_are_not_those_of_the_map)
{
	struct bytes image = make_image();
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_error err = {0};
	struct run run = {.map = map};

	write_file("image", encode("gzip", bytes_part(image, 0, 2000000)));
	FAILS(copy(&run, "image", "out", &err), ENODATA,
	      "but should have 205 - the image ends early");
	ck_assert(run.result.copied_bytes < run.result.mapped_bytes);
	write_file("image", encode("gzip", bytes_join(image, bytes_text(100000))));
	FAILS(copy(&run, "image", "out", &err), EBADMSG, "bytes that it should have");
	write_file("image", encode("gzip", image));
	ck_assert_int_eq(truncate("image", 400000), 0);
	FAILS(copy(&run, "image", "out", &err), ENODATA, "the gzip data ends early");
	bmap_free(map);
}
END_TEST

START_TEST(checksums_are_not_compared_when_not_wanted)
{
	struct bytes image = make_image();
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_error err = {0};
	struct run run = {.map = map, .no_verify = true};

	image.data[5] ^= 1;
	write_file("image", image);
	OK(copy(&run, "image", "out", &err));
	ASSERT_BYTES(read_file("out"), masked(image));
	bmap_free(map);
}
END_TEST

START_TEST(a_full_target_is_an_error)
{
	struct bytes image = make_image();
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	struct bmap_error err = {0};
	struct run run = {.map = map};

	write_file("image", image);
	FAILS(copy(&run, "image", "/dev/full", &err), ENOSPC,
	      "error while writing blocks 0-2 of '/dev/full'");
	write_file("image", encode("gzip", bytes_random(30 << 20, 3)));
	run.map = NULL;
	FAILS(copy(&run, "image", "/dev/full", &err), ENOSPC, "cannot write '/dev/full'");
	bmap_free(map);
}
END_TEST

static void *cancel_soon(void *opaque)
{
	usleep(50000);
	bmap_job_cancel(opaque);
	return NULL;
}

START_TEST(another_thread_cancels)
{
	struct bytes image = make_image();
	struct bmap *map = map_of(&image, image.len, BLOCK, ranges, ARRAY_SIZE(ranges));
	char path[32];

	for (int packed = 0; packed < 2; packed++) {
		struct bytes in = packed ? encode("gzip", image) : image;
		struct bmap_error err = {0};
		struct run run = {.job = bmap_job_new(), .map = map};
		int fd = pipe_of(bytes_part(in, 0, in.len - 1000), true); /* and no more comes */
		pthread_t canceller;

		write_file("out", bytes_of("precious"));
		snprintf(path, sizeof(path), "/dev/fd/%d", fd);
		pthread_create(&canceller, NULL, cancel_soon, run.job);
		FAILS(copy(&run, path, "out", &err), ECANCELED, "cancelled");
		pthread_join(canceller, NULL);
		close(fd);
		bmap_job_free(run.job);
	}
	bmap_free(map);
}
END_TEST

START_TEST(a_job_cancelled_before_leaves_the_target)
{
	struct bmap_error err = {0};
	struct run run = {.job = bmap_job_new()};

	write_file("out", bytes_of("precious"));
	write_file("image", make_image());
	bmap_job_cancel(run.job);
	ck_assert_int_eq(copy(&run, "image", "out", &err), -ECANCELED);
	ASSERT_BYTES(read_file("out"), bytes_of("precious"));
	bmap_job_free(run.job);
}
END_TEST

static struct bmap *create(const char *path, const struct bmap_create_options *options)
{
	struct bmap_job *job = bmap_job_new();
	struct bmap_image *image = NULL;
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	OK(bmap_image_open(&image, path, &(struct bmap_image_options){0}, &err));
	OK(bmap_create(job, image, options, &map, &err));
	bmap_image_close(image);
	bmap_job_free(job);
	return map;
}

START_TEST(what_is_created_copies)
{
	struct bytes image = make_image();
	const struct bmap_nomap nomap[] = {{.first_bytes = 1000000, .end_bytes = 1100000}};
	const struct bmap_create_options options[] = {
		{0},
		{.detect_zeroes = true},
		{.checksum_type = "md5", .max_range_bytes = 100000},
		{.detect_zeroes = true, .nomap = nomap, .n_nomap = 1},
		{.no_checksum = true}};

	memset(image.data + 600000, 0, 900000);
	write_file("raw", image);
	write_file("packed", encode("gzip", image));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		for (int packed = 0; packed < 2; packed++) {
			struct bmap *map = create(packed ? "packed" : "raw", &options[i]);
			struct bmap_error err = {0};
			struct run run = {.map = map};

			ck_assert_uint_eq(bmap_image_size_bytes(map), image.len);
			if (options[i].detect_zeroes)
				ck_assert_uint_lt(bmap_mapped_bytes(map),
						  image.len - (i == 3 ? 700000 : 800000));
			else
				ck_assert_uint_eq(bmap_mapped_bytes(map), image.len);
			if (options[i].max_range_bytes)
				ck_assert_uint_eq(bmap_n_ranges(map), DIV_ROUND_UP(977, 24));
			OK(copy(&run, packed ? "raw" : "packed", "out", &err));
			ASSERT_BYTES(read_file("out"), image);
			bmap_free(map);
		}
	}
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused)
{
	const struct bmap_nomap nomap = {.first_bytes = 10000000, .end_bytes = 10000001};
	const struct bmap_create_options outside = {.nomap = &nomap, .n_nomap = 1};
	const struct bmap_create_options unknown = {.checksum_type = "x"};
	const struct bmap_create_options plain = {0};
	struct bmap_job *job = bmap_job_new();
	struct bmap_image *image = NULL;
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	write_file("image", make_image());
	OK(bmap_image_open(&image, "image", &(struct bmap_image_options){0}, &err));
	FAILS(bmap_create(job, image, &outside, &map, &err), EINVAL, "lie outside of 'image'");
	FAILS(bmap_create(job, image, &unknown, &map, &err), EOPNOTSUPP, "hash function \"x\"");
	bmap_image_close(image);
	for (int packed = 0; packed < 2; packed++) {
		write_file("image", packed ? encode("gzip", bytes_zeros(0)) : bytes_zeros(0));
		OK(bmap_image_open(&image, "image", &(struct bmap_image_options){0}, &err));
		FAILS(bmap_create(job, image, &plain, &map, &err), EINVAL,
		      "cannot generate bmap for zero-sized image file 'image'");
		bmap_image_close(image);
	}
	ck_assert_ptr_null(map);
	bmap_job_free(job);
}
END_TEST

UNIT_MAIN("copy", mapped_blocks_are_copied_from_any_image, without_a_map_all_is_copied,
	  what_is_found_before_the_first_write_leaves_the_target,
	  images_that_are_not_those_of_the_map, checksums_are_not_compared_when_not_wanted,
	  a_full_target_is_an_error, another_thread_cancels,
	  a_job_cancelled_before_leaves_the_target, what_is_created_copies,
	  what_cannot_be_mapped_is_refused)
