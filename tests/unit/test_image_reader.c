/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "image/image_reader.h"
#include "unit.h"

static struct bmap_image *open_image(const char *path, const char *member)
{
	const struct bmap_image_options options = {.member = member, .n_threads = 3};
	struct bmap_error err = {0};
	struct bmap_image *image = NULL;

	OK(bmap_image_open(&image, path, &options, &err));
	return image;
}

/* Reads all; bytes that did not come are zeros and `came` says so. */
struct result {
	struct bytes bytes, came;
	uint64_t size;
	size_t map_len;
};

static int read_all(struct bmap_image *image, const struct image_reader_options *options,
		    size_t max_len, struct result *result, struct bmap_error *err)
{
	struct image_reader *reader = NULL;
	struct chunk chunk;
	uint64_t position = 0;
	const char *name;
	int r = image_reader_open(&reader, image, options, err);

	*result = (struct result){.bytes = bytes_zeros(max_len), .came = bytes_zeros(max_len)};
	while (r == 0 && (r = image_reader_next(reader, &chunk, err)) == 1) {
		ck_assert_uint_gt(chunk.len, 0);
		ck_assert_uint_ge(chunk.offset_bytes, position); /* in order */
		position = chunk.offset_bytes + chunk.len;
		ck_assert_uint_le(position, max_len);
		memcpy(result->bytes.data + chunk.offset_bytes, chunk.data, chunk.len);
		memset(result->came.data + chunk.offset_bytes, 1, chunk.len);
		chunk_fini(&chunk);
		r = 0;
	}
	if (r == 0) {
		result->size = image_reader_image_size(reader);
		if (image_reader_map_inside(reader, &result->map_len, &name))
			ck_assert_str_eq(name, "disk.img.bmap");
	}
	image_reader_close(reader);
	return r;
}

static void check_whole(const char *path, struct bytes expected)
{
	struct bmap_image *image = open_image(path, NULL);
	struct bmap_error err = {0};
	struct result result;

	/* twice: a file can be read again */
	for (int i = 0; i < 2; i++) {
		OK(read_all(image, &(struct image_reader_options){0}, expected.len, &result, &err));
		ck_assert_uint_eq(result.size, expected.len);
		ASSERT_BYTES(result.bytes, expected);
		ck_assert_ptr_null(memchr(result.came.data, 0, expected.len));
	}
	bmap_image_close(image);
}

START_TEST(images_come_whole_and_in_order)
{
	struct bytes image = bytes_join(bytes_text(3000000), bytes_random(1500000, 1));

	write_file("raw", image);
	check_whole("raw", image);
	for (const char *const *name = codec_names; *name; name++) {
		struct bytes parts;

		if (!codec_or_note(*name))
			continue;
		/* pieces: several members */
		parts = bytes_zeros(0);
		for (size_t at = 0; at < image.len; at += 450000)
			parts = bytes_join(parts, encode(*name, bytes_part(image, at, 450000)));
		write_file("packed", parts);
		check_whole("packed", image);
	}
	write_file("packed", encode_xz_blocks(image, 300000));
	check_whole("packed", image);
}
END_TEST

START_TEST(streams_come_whole)
{
	struct bytes image = bytes_join(bytes_text(2000000), bytes_random(500000, 2));

	for (const char *const *name = codec_names;; name++) {
		struct bmap_error err = {0};
		struct bmap_image *stream;
		struct result result;
		char path[32];
		int fd;

		if (*name && !codec_or_note(*name))
			continue;
		fd = pipe_of(*name ? encode(*name, image) : image, false);
		snprintf(path, sizeof(path), "/dev/fd/%d", fd);
		stream = open_image(path, NULL);
		close(fd);
		OK(read_all(stream, &(struct image_reader_options){0}, image.len, &result, &err));
		ck_assert_uint_eq(result.size, image.len);
		ASSERT_BYTES(result.bytes, image);
		bmap_image_close(stream);
		if (!*name)
			break;
	}
}
END_TEST

/* Of pieces in holes nothing comes; what is wanted comes and has its place. */
START_TEST(pieces_in_holes_are_skipped)
{
	static const struct bmap_range ranges[] = {{1, 1}, {300, 40}};
	const size_t block = 4096, piece = 200000;
	struct bytes image = bytes_random(4000000, 3);
	struct bmap *map = map_of(NULL, image.len, block, ranges, 2);

	for (const char *const *name = codec_names;; name++) {
		const struct image_reader_options options = {.wanted = map, .may_skip = true};
		struct bmap_image *packed;
		struct bmap_error err = {0};
		struct result result;
		struct bytes parts = bytes_zeros(0);
		size_t n_came = 0;

		if (*name && !codec_or_note(*name))
			continue;
		if (*name && !strcmp(*name, "xz"))
			parts = encode_xz_blocks(image, piece);
		for (size_t at = 0; *name && strcmp(*name, "xz") && at < image.len; at += piece)
			parts = bytes_join(parts, encode(*name, bytes_part(image, at, piece)));
		write_file("f", *name ? parts : image);
		packed = open_image("f", NULL);
		OK(read_all(packed, &options, image.len, &result, &err));
		ck_assert_uint_eq(result.size, image.len);
		for (size_t i = 0; i < 2; i++)
			ck_assert_mem_eq(result.bytes.data + ranges[i].first_block * block,
					 image.data + ranges[i].first_block * block,
					 ranges[i].n_blocks * block);
		for (size_t i = 0; i < image.len; i++)
			n_came += result.came.data[i];
		/* gzip, bzip2 and lzop do not say how long their pieces are */
		if (!*name || !strcmp(*name, "xz") || !strcmp(*name, "zstd") ||
		    !strcmp(*name, "lz4"))
			ck_assert_uint_le(n_came, 2 << 20);
		bmap_image_close(packed);
		if (!*name)
			break;
	}
	bmap_free(map);
}
END_TEST

START_TEST(holes_come_as_zeros_when_asked)
{
	static const struct bmap_range ranges[] = {{1, 1}, {3, 1}};
	struct bytes image = bytes_random(5 * 4096, 4);
	struct bmap *map = map_of(NULL, image.len, 4096, ranges, 2);
	const struct image_reader_options options = {.wanted = map, .zero_holes = true};
	struct bmap_error err = {0};
	struct bmap_image *raw;
	struct result result;

	write_file("f", image);
	raw = open_image("f", NULL);
	OK(read_all(raw, &options, image.len, &result, &err));
	ck_assert_mem_eq(result.bytes.data + 4096, image.data + 4096, 4096);
	ck_assert_mem_eq(result.bytes.data + 2 * 4096, bytes_zeros(4096).data, 4096);
	ck_assert_mem_eq(result.bytes.data + 3 * 4096, image.data + 3 * 4096, 4096);
	bmap_image_close(raw);
	bmap_free(map);
}
END_TEST

START_TEST(archives_give_the_image_and_its_map)
{
	struct bytes image = bytes_random(900000, 5), map = bytes_text(300000);
	struct bytes tar =
		bytes_join(tar_member('0', "README", bytes_text(70000)),
			   bytes_join(tar_member('0', "disk.img.bmap", map),
				      bytes_join(tar_member('0', "disk.img", image), tar_end())));
	struct bmap_document *document = NULL;
	struct bmap_error err = {0};
	struct bmap_image *opened;

	write_file("a.tar", tar);
	write_file("a.tar.gz", encode("gzip", tar));
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "a.tar.gz" : "a.tar";

		check_whole(path, image);
		opened = open_image(path, "disk.img");
		OK(bmap_find_map_inside(&document, opened, &err));
		ck_assert_msg(document != NULL, "%s: the map was not found", path);
		ASSERT_BYTES(((struct bytes){(uint8_t *)document->text, document->len}), map);
		bmap_document_free(document);
		bmap_image_close(opened);
	}
}
END_TEST

START_TEST(a_compressed_image_in_an_archive)
{
	struct bytes image = bytes_text(500000);

	write_file("a.tar",
		   bytes_join(tar_member('0', "disk.img.xz", encode_xz_blocks(image, 99999)),
			      tar_end()));
	check_whole("a.tar", image);
}
END_TEST

START_TEST(images_that_cannot_be_opened)
{
	struct bmap_image_options options = {0};
	struct bmap_error err = {0};
	struct bmap_image *image = NULL;
	struct bytes tar = bytes_join(tar_member('0', "a.img", bytes_random(1000, 6)),
				      tar_member('0', "b.img", bytes_random(1000, 7)));

	FAILS(bmap_image_open(&image, "none", &options, &err), ENOENT, "cannot open 'none'");
	write_file("a.tar", tar);
	FAILS(bmap_image_open(&image, "a.tar", &options, &err), EPROTO, "more than one image");
	write_file("f.7z", bytes_of("7z\xbc\xaf\x27\x1c......"));
	FAILS(bmap_image_open(&image, "f.7z", &options, &err), EOPNOTSUPP, "compressed as 7z");
	write_file("raw", bytes_random(1000, 8));
	options.member = "x";
	FAILS(bmap_image_open(&image, "raw", &options, &err), EINVAL,
	      "'raw' is not an archive, so it has no member 'x'");
	ck_assert_ptr_null(image);
	bmap_image_close(NULL);
}
END_TEST

START_TEST(images_that_end_early_or_are_damaged)
{
	struct bytes image = bytes_random(2000000, 9);

	for (const char *const *name = codec_names; *name; name++) {
		struct bmap_image *packed;
		struct bmap_error err = {0};
		struct result result;
		struct bytes in;
		int r;

		if (!codec_or_note(*name))
			continue;
		in = encode(*name, image);
		for (int i = 0; i < 2; i++) {
			struct bytes bad = bytes_join(in, bytes_zeros(0));

			if (i)
				bad.data[bad.len / 2] ^= 0x55;
			else
				bad.len -= 30;
			write_file("disk.img", bad);
			packed = open_image("disk.img", NULL);
			r = read_all(packed, &(struct image_reader_options){0}, image.len, &result,
				     &err);
			ck_assert_msg(r == -EBADMSG || r == -ENODATA, "%s: %d", *name, r);
			ck_assert_msg(strstr(err.message, "'disk.img'") != NULL, "%s", err.message);
			err = (struct bmap_error){0};
			bmap_image_close(packed);
		}
	}
}
END_TEST

/* The rest of a pipe may never come: a failure does not wait for it. */
START_TEST(damage_in_a_stream_that_goes_on_ends_it)
{
	struct bytes in = encode("gzip", bytes_text(16 << 20));
	struct bmap_image *image;
	struct bmap_error err = {0};
	struct result result;
	char path[32];
	int fd;

	ck_assert_uint_gt(in.len, 2 << 20); /* more than the reader takes at once */
	memset(in.data + 400000, 0xff, 64);
	fd = pipe_of(in, true);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	image = open_image(path, NULL);
	close(fd);
	alarm(20);
	ck_assert_int_eq(
		read_all(image, &(struct image_reader_options){0}, 16 << 20, &result, &err),
		-EBADMSG);
	alarm(0);
	bmap_image_close(image);
}
END_TEST

static void *cancel_soon(void *opaque)
{
	usleep(30000);
	image_reader_cancel(opaque);
	return NULL;
}

START_TEST(cancelling_wakes_who_waits)
{
	struct image_reader *reader = NULL;
	struct bmap_error err = {0};
	struct bmap_image *image;
	struct chunk chunk;
	pthread_t canceller;
	int fd = pipe_of(bytes_random(10000, 11), true);
	char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	image = open_image(path, NULL);
	close(fd);
	OK(image_reader_open(&reader, image, &(struct image_reader_options){0}, &err));
	pthread_create(&canceller, NULL, cancel_soon, reader);
	/* what is there comes at once, then it waits */
	for (size_t n = 0; n < 10000;) {
		ck_assert_int_eq(image_reader_next(reader, &chunk, &err), 1);
		n += chunk.len;
		chunk_fini(&chunk);
	}
	FAILS(image_reader_next(reader, &chunk, &err), ECANCELED, "cancelled");
	pthread_join(canceller, NULL);
	image_reader_close(reader);
	bmap_image_close(image);
}
END_TEST

START_TEST(a_reader_may_be_closed_at_any_time)
{
	struct bytes image = bytes_random(6 << 20, 12);

	for (const char *const *name = codec_names; *name; name++) {
		struct bmap_image *packed;

		if (!codec_or_note(*name))
			continue;
		write_file("f", encode(*name, image));
		for (int n = 0; n < 3; n++) {
			struct image_reader *reader = NULL;
			struct bmap_error err = {0};
			struct chunk chunk;

			packed = open_image("f", NULL);
			OK(image_reader_open(&reader, packed, &(struct image_reader_options){0},
					     &err));
			for (int i = 0; i < n; i++) {
				ck_assert_int_eq(image_reader_next(reader, &chunk, &err), 1);
				chunk_fini(&chunk);
			}
			image_reader_close(reader);
			bmap_image_close(packed);
		}
	}
	image_reader_close(NULL);
}
END_TEST

UNIT_MAIN("image_reader", images_come_whole_and_in_order, streams_come_whole,
	  pieces_in_holes_are_skipped, holes_come_as_zeros_when_asked,
	  archives_give_the_image_and_its_map, a_compressed_image_in_an_archive,
	  images_that_cannot_be_opened, images_that_end_early_or_are_damaged,
	  damage_in_a_stream_that_goes_on_ends_it, cancelling_wakes_who_waits,
	  a_reader_may_be_closed_at_any_time)
