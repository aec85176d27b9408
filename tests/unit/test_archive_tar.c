/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "codec/archive_tar.h"
#include "unit.h"

/* What a reader made of an archive. */
struct result {
	struct bytes image;
	char member[200];
	bool in_one_piece;
	uint64_t offset;
	size_t map_len; /* 0: there was none */
};

/* Feeds @in in steps; the image's bytes must come in their order without gaps. */
static int extract(struct bytes in, const char *member, size_t step, struct result *result,
		   struct bmap_error *err)
{
	struct tar_reader *tar;
	struct bytes room = bytes_zeros(4 << 20);
	size_t at = 0, image_len = 0, map_len = 0;
	const char *map_name;
	int r = tar_reader_new(&tar, "a.tar", member, err);

	*result = (struct result){0};
	while (r == 0 && at < in.len) {
		const uint8_t *data = in.data + at;
		size_t len = MIN(step, in.len - at);
		struct tar_span span;

		at += len;
		while ((r = tar_reader_feed(tar, &data, &len, &span, err)) == 1) {
			ck_assert_uint_eq(span.offset_bytes, image_len);
			ck_assert_uint_le(image_len + span.len, room.len);
			memcpy(room.data + image_len, span.data, span.len);
			image_len += span.len;
		}
	}
	if (r == 0)
		r = tar_reader_end(tar, err);
	if (r == 0) {
		result->image = bytes_part(room, 0, image_len);
		strncpy(result->member, tar_reader_member(tar), sizeof(result->member) - 1);
		result->in_one_piece = tar_reader_extent(tar, &result->offset);
		ck_assert_uint_eq(tar_reader_image_size(tar), image_len);
		if (tar_reader_map(tar, &map_len, &map_name))
			result->map_len = map_len;
	}
	tar_reader_free(tar);
	return r;
}

static struct result extracted(struct bytes in, const char *member)
{
	static const size_t steps[] = {1 << 20, 1, 511, 513};
	struct bmap_error err = {0};
	struct result first = {0}, other;

	OK(extract(in, member, steps[0], &first, &err));
	for (size_t i = 1; i < ARRAY_SIZE(steps); i++) {
		OK(extract(in, member, steps[i], &other, &err));
		ASSERT_BYTES(other.image, first.image);
		ck_assert_str_eq(other.member, first.member);
		ck_assert_uint_eq(other.map_len, first.map_len);
	}
	return first;
}

START_TEST(the_only_image_is_found)
{
	struct bytes image = bytes_random(3000, 1);
	struct bytes in = bytes_join(tar_member('0', "README", bytes_text(700)),
				     bytes_join(tar_member('5', "folder/", bytes_zeros(0)),
						tar_member('0', "folder/disk.img", image)));
	struct result result = extracted(bytes_join(in, tar_end()), NULL);

	ASSERT_BYTES(result.image, image);
	ck_assert_str_eq(result.member, "folder/disk.img");
	ck_assert(result.in_one_piece);
	ck_assert_uint_eq(result.offset, 512 + 1024 + 512 + 512);
	/* without the records of zeros; with padding behind them */
	ASSERT_BYTES(extracted(in, NULL).image, image);
	ASSERT_BYTES(extracted(bytes_join(in, bytes_zeros(10240)), NULL).image, image);
}
END_TEST

START_TEST(an_image_may_be_empty)
{
	struct bytes in = bytes_join(tar_member('0', "disk.img", bytes_zeros(0)), tar_end());

	ck_assert_uint_eq(extracted(in, NULL).image.len, 0);
}
END_TEST

START_TEST(the_member_asked_for_is_taken)
{
	struct bytes one = bytes_random(700, 2), two = bytes_random(900, 3);
	struct bytes in = bytes_join(tar_member('0', "a/one.img", one),
				     bytes_join(tar_member('0', "a/two.img", two), tar_end()));
	struct bmap_error err = {0};
	struct result result;

	ASSERT_BYTES(extracted(in, "one.img").image, one);
	ASSERT_BYTES(extracted(in, "a/two.img").image, two);
	FAILS(extract(in, NULL, 512, &result, &err), EPROTO,
	      "('a/one.img' and 'a/two.img'): choose one with --member");
	FAILS(extract(in, "three.img", 512, &result, &err), ENOENT, "has no member 'three.img'");
	FAILS(extract(bytes_join(tar_member('0', "README", one), tar_end()), NULL, 512, &result,
		      &err),
	      EPROTO, "there is no image in the archive 'a.tar'");
}
END_TEST

START_TEST(the_map_beside_the_image_is_kept)
{
	struct bytes map = bytes_text(70000);
	struct bytes before = tar_member('0', "disk.img.bmap", map);
	struct bytes image = tar_member('0', "disk.img", bytes_random(1000, 4));
	struct bytes other = tar_member('0', "other.img.bmap", map);

	ck_assert_uint_eq(extracted(bytes_join(before, image), NULL).map_len, map.len);
	ck_assert_uint_eq(extracted(bytes_join(image, before), NULL).map_len, map.len);
	ck_assert_uint_eq(extracted(bytes_join(other, image), NULL).map_len, 0);
}
END_TEST

START_TEST(truncation_is_an_error_but_for_the_zeros_at_the_end)
{
	struct bytes in = bytes_join(tar_member('0', "disk.img", bytes_random(600, 5)), tar_end());
	struct bmap_error err = {0};
	struct result result;

	for (size_t len = 1; len < in.len; len++) {
		int r = extract(bytes_part(in, 0, len), NULL, 100, &result, &err);

		if (len == 1536 || len == 2048)
			ck_assert_int_eq(r, 0);
		else
			ck_assert_msg(r == -ENODATA, "%zu bytes: %d", len, r);
		err = (struct bmap_error){0};
	}
}
END_TEST

START_TEST(damaged_headers_are_refused)
{
	struct bytes in =
		bytes_join(tar_member('0', "README", bytes_of("x")),
			   bytes_join(tar_member('0', "disk.img", bytes_of("y")), tar_end()));
	struct bmap_error err = {0};
	struct result result;

	in.data[1024 + 3] ^= 1;
	FAILS(extract(in, NULL, 512, &result, &err), EPROTO,
	      "the tar archive 'a.tar' is damaged at byte 1536: a member's header is not one");
	FAILS(extract(bytes_join(tar_member('x', "p", bytes_of("nonsense")),
				 tar_member('0', "disk.img", bytes_of("y"))),
		      NULL, 512, &result, &err),
	      EPROTO, "a pax header is not one");
	FAILS(extract(bytes_join(tar_member('x', "p", bytes_of("10 size=x\n")),
				 tar_member('0', "disk.img", bytes_of("y"))),
		      NULL, 512, &result, &err),
	      EPROTO, "a pax record is not a number");
	FAILS(extract(bytes_join(tar_member('x', "p", bytes_of("22 GNU.sparse.map=1,2\n")),
				 tar_member('0', "disk.img", bytes_of("y"))),
		      NULL, 512, &result, &err),
	      EPROTO, "the sparse map does not fit the data");
	FAILS(extract(bytes_join(tar_member('x', "p", bytes_of("26 GNU.sparse.map=5,2,1,2\n")),
				 tar_member('0', "disk.img", bytes_of("yyyy"))),
		      NULL, 512, &result, &err),
	      EPROTO, "the sparse map is out of order");
	FAILS(extract(bytes_join(tar_member('x', "p", bytes_zeros(2 << 20)),
				 tar_member('0', "disk.img", bytes_of("y"))),
		      NULL, 512, &result, &err),
	      EPROTO, "a header is too long");
}
END_TEST

START_TEST(heads_are_recognized)
{
	struct bytes in = tar_member('0', "disk.img", bytes_of("x"));
	struct bytes v7 = tar_member('0', "disk.img", bytes_of("x"));

	ck_assert(tar_matches(in.data, 512, false));
	ck_assert(!tar_matches(in.data, 511, true));
	ck_assert(!tar_matches(bytes_zeros(512).data, 512, true));
	ck_assert(!tar_matches(bytes_random(512, 6).data, 512, true));
	/* Without the magic and its share of the checksum; "ustar" and "00" */
	memset(v7.data + 257, 0, 8);
	snprintf((char *)v7.data + 148, 8, "%06o",
		 (unsigned int)strtoul((char *)in.data + 148, NULL, 8) -
			 ('u' + 's' + 't' + 'a' + 'r' + '0' + '0'));
	ck_assert(tar_matches(v7.data, 512, true));
	ck_assert(!tar_matches(v7.data, 512, false));
}
END_TEST

/* ---- what GNU tar writes ---- */

static void make_sparse(const char *path, unsigned int seed)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_eq(ftruncate(fd, 2000000), 0);
	for (unsigned int i = 0; i < 12; i++) {
		struct bytes data = bytes_random(5000, seed + i);

		ck_assert_int_eq(fd_pwrite_full(fd, data.data, data.len, 32768 + i * 131072), 0);
	}
	close(fd);
}

static const char *const formats[][2] = {
	{"--format=gnu", "--sparse-version=1.0"},
	{"--format=pax", "--sparse-version=0.0"},
	{"--format=pax", "--sparse-version=0.1"},
	{"--format=pax", "--sparse-version=1.0"},
};

START_TEST(sparse_members_are_filled_with_zeros)
{
	struct bytes image, holes;

	make_sparse("disk.img", 7);
	image = read_file("disk.img");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct bytes in = RUN("tar", formats[i][0], formats[i][1], "-cSf", "-", "disk.img");
		struct result result = extracted(in, NULL);

		if (result.in_one_piece)
			unit_note("this filesystem has no holes: sparse tar is not tested");
		else
			ck_assert_uint_lt(in.len, image.len / 2);
		ASSERT_BYTES(result.image, image);
	}
	/* nothing but a hole */
	ck_assert_int_eq(truncate("disk.img", 0), 0);
	ck_assert_int_eq(truncate("disk.img", 100000), 0);
	holes = bytes_zeros(100000);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		ASSERT_BYTES(
			extracted(RUN("tar", formats[i][0], formats[i][1], "-cSf", "-", "disk.img"),
				  NULL)
				.image,
			holes);
}
END_TEST

START_TEST(a_sparse_member_beside_the_one_asked_for_does_no_harm)
{
	make_sparse("a.img", 8);
	make_sparse("b.img", 9);
	make_sparse("d.img", 11);
	write_file("c.img", bytes_random(3000, 10));
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct bytes in = RUN("tar", formats[i][0], formats[i][1], "-cSf", "-", "a.img",
				      "b.img", "c.img", "d.img");

		ASSERT_BYTES(extracted(in, "b.img").image, read_file("b.img"));
		ASSERT_BYTES(extracted(in, "c.img").image, read_file("c.img"));
	}
}
END_TEST

START_TEST(long_names_are_whole)
{
	char name[300], path[400];

	memset(name, 'n', 180);
	strcpy(name + 180, ".img");
	snprintf(path, sizeof(path), "%s", name);
	write_file(path, bytes_of("image"));
	for (int i = 0; i < 2; i++) {
		struct result result = extracted(
			RUN("tar", i ? "--format=pax" : "--format=gnu", "-cf", "-", path), NULL);

		ck_assert_str_eq(result.member, path);
		ASSERT_BYTES(result.image, bytes_of("image"));
	}
}
END_TEST

UNIT_MAIN("archive_tar", the_only_image_is_found, an_image_may_be_empty,
	  the_member_asked_for_is_taken, the_map_beside_the_image_is_kept,
	  truncation_is_an_error_but_for_the_zeros_at_the_end, damaged_headers_are_refused,
	  heads_are_recognized, sparse_members_are_filled_with_zeros,
	  a_sparse_member_beside_the_one_asked_for_does_no_harm, long_names_are_whole)
