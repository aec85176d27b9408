/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of a seekable archive, and codec_zip on what streams by. */
#include <stdlib.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "codec/archive_zip.h"
#include "codec/decoder_zip.h"
#include "codec/zip_format.h"
#include "unit.h"

static struct bytes le(uint64_t n, size_t len)
{
	struct bytes bytes = bytes_zeros(len);

	for (size_t i = 0; i < len; i++)
		bytes.data[i] = (uint8_t)(n >> 8 * i);
	return bytes;
}

#define JOIN(a, ...) a = bytes_join(a, __VA_ARGS__)

struct member {
	const char *name;
	struct bytes content;
	bool deflated, deferred;    /* deferred: sizes in a descriptor behind the data */
	unsigned int flags, method; /* to be lied about; 0: the right ones */
};

static struct bytes deflate_raw(struct bytes in)
{
	struct bytes out = bytes_zeros(in.len + 1000);
	z_stream stream = {.next_in = in.data,
			   .avail_in = (unsigned int)in.len,
			   .next_out = out.data,
			   .avail_out = (unsigned int)out.len};

	deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out.len = stream.total_out;
	deflateEnd(&stream);
	return out;
}

static struct bytes make_zip(const struct member *members, size_t n)
{
	struct bytes zip = bytes_zeros(0), directory = bytes_zeros(0), end;

	for (size_t i = 0; i < n; i++) {
		const struct member *m = &members[i];
		struct bytes data = m->deflated ? deflate_raw(m->content) : m->content;
		uint32_t crc = (uint32_t)crc32(0, m->content.data, (unsigned int)m->content.len);
		unsigned int flags = m->flags | (m->deferred ? ZIP_HAS_DESCRIPTOR : 0);
		unsigned int method = m->method ? m->method : m->deflated ? ZIP_DEFLATED : 0;
		struct bytes sums =
			bytes_join(le(crc, 4), bytes_join(le(data.len, 4), le(m->content.len, 4)));
		struct bytes names = bytes_join(le(strlen(m->name), 2), le(0, 2));
		struct bytes head = bytes_join(le(20, 2), bytes_join(le(flags, 2), le(method, 2)));
		size_t offset = zip.len;

		JOIN(head, le(0, 4)); /* the time */
		JOIN(zip, bytes_join(le(ZIP_LOCAL, 4), head));
		JOIN(zip, m->deferred ? bytes_zeros(12) : sums);
		JOIN(zip, bytes_join(names, bytes_of(m->name)));
		JOIN(zip, data);
		if (m->deferred)
			JOIN(zip, bytes_join(le(ZIP_DESCRIPTOR, 4), sums));
		JOIN(directory, bytes_join(le(ZIP_CENTRAL, 4), bytes_join(le(20, 2), head)));
		JOIN(directory, bytes_join(sums, bytes_join(names, bytes_zeros(10))));
		JOIN(directory, bytes_join(le(offset, 4), bytes_of(m->name)));
	}
	end = bytes_join(bytes_join(le(ZIP_END, 4), le(0, 4)), bytes_join(le(n, 2), le(n, 2)));
	JOIN(end, bytes_join(le(directory.len, 4), bytes_join(le(zip.len, 4), le(0, 2))));
	return bytes_join(zip, bytes_join(directory, end));
}

/* As a stream, or the stretch of one member. */
static int run_codec(struct bytes in, const struct archive_choice *choice, size_t step,
		     struct bytes *out, struct bmap_error *err)
{
	CLEANUP(decoder_freep) struct decoder *decoder = NULL;
	struct bytes room = bytes_zeros(1 << 20);
	size_t at = 0, made = 0;
	int r = decoder_new(&decoder, &codec_zip, 1 << 20, err);

	decoder_choose(decoder, choice);
	if (r == 0)
		r = decoder_start(decoder, NULL, err);
	while (r == 0) {
		size_t len = MIN(step, in.len - at);
		struct decoder_io io = {.in = in.data + at,
					.in_left = len,
					.in_end = at + len == in.len,
					.out = room.data + made,
					.out_left = step};

		r = decoder_run(decoder, &io, err);
		at += len - io.in_left;
		made += step - io.out_left;
	}
	if (r < 0)
		return r;
	*out = bytes_part(room, 0, made);
	return 0;
}

static const struct archive_choice any = {.archive = "a.zip"};

static struct source *open_zip(struct bytes zip)
{
	const struct source_options options = {0};
	struct bmap_error err = {0};
	struct source *source = NULL;

	write_file("a.zip", zip);
	OK(source_open(&source, "a.zip", &options, &err));
	return source;
}

START_TEST(members_are_found_both_ways)
{
	struct bytes image = bytes_join(bytes_text(50000), bytes_random(5000, 1)), out = {0};
	const struct member members[] = {
		{"README", bytes_text(900), true, false, 0, 0},
		{"d/", bytes_zeros(0), false, false, 0, 0},
		{"d/disk.img.bmap", bytes_text(3000), true, true, 0, 0},
		{"d/disk.img", image, true, true, 0, 0},
		{"SHA256SUMS", bytes_text(100), false, false, 0, 0},
	};
	struct bytes zip = make_zip(members, ARRAY_SIZE(members));
	struct archive_choice stretch = {.archive = "a.zip", .is_one_member = true};
	const struct zip_member *member = NULL, *map;
	struct source *source = open_zip(zip);
	struct zip_directory directory;
	struct bmap_error err = {0};

	ck_assert(zip_matches(zip.data, zip.len));
	for (size_t step = 1; step <= 100000; step *= 10) {
		OK(run_codec(zip, &any, step, &out, &err));
		ASSERT_BYTES(out, image);
	}
	OK(zip_directory_read(&directory, source, &err));
	ck_assert_uint_eq(directory.n_members, 5);
	OK(zip_find_image(&directory, "a.zip", NULL, &member, &err));
	ck_assert_str_eq(member->name, "d/disk.img");
	ck_assert_uint_eq(member->image_len_bytes, image.len);
	ck_assert(!member->is_stored);
	stretch.crc = member->crc;
	OK(run_codec(bytes_part(zip, member->offset_bytes, member->stretch_bytes), &stretch, 777,
		     &out, &err));
	ASSERT_BYTES(out, image);
	map = zip_find_map(&directory, member->name);
	ck_assert_ptr_nonnull(map);
	ck_assert_str_eq(map->name, "d/disk.img.bmap");
	ck_assert_ptr_null(zip_find_map(&directory, "other.img"));
	zip_directory_fini(&directory);
	source_close(source);
}
END_TEST

START_TEST(stored_members_lie_as_they_are)
{
	struct bytes image = bytes_random(5000, 2), out = {0};
	const struct member members[] = {{"disk.img", image, false, false, 0, 0}};
	struct bytes zip = make_zip(members, 1);
	const struct zip_member *member;
	struct source *source = open_zip(zip);
	struct zip_directory directory;
	struct bmap_error err = {0};
	uint64_t offset = 0;

	OK(run_codec(zip, &any, 100, &out, &err));
	ASSERT_BYTES(out, image);
	OK(zip_directory_read(&directory, source, &err));
	OK(zip_find_image(&directory, "a.zip", "disk.img", &member, &err));
	ck_assert(member->is_stored);
	OK(zip_data_offset(member, source, &offset, &err));
	ck_assert_uint_eq(offset, 38);
	zip_directory_fini(&directory);
	source_close(source);
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
	struct bytes text = bytes_text(1000), out;
	const struct member two[] = {{"a.img", text, true, false, 0, 0},
				     {"b.img", text, true, false, 0, 0}};
	const struct member none[] = {{"README", text, true, false, 0, 0}};
	const struct member encrypted[] = {{"a.img", text, true, false, ZIP_ENCRYPTED, 0}};
	const struct member odd[] = {{"a.img", text, true, false, 0, 12}};
	const struct member deferred[] = {{"a.img", text, false, true, 0, 0}};
	const struct archive_choice wanted = {.archive = "a.zip", .member = "c.img"};
	const struct zip_member *member;
	struct zip_directory directory;
	struct source *source;
	struct bmap_error err = {0};

	FAILS(run_codec(make_zip(two, 2), &any, 100, &out, &err), EPROTO, "more than one image");
	FAILS(run_codec(make_zip(two, 2), &wanted, 100, &out, &err), ENOENT, "no member 'c.img'");
	FAILS(run_codec(make_zip(none, 1), &any, 100, &out, &err), EPROTO, "there is no image");
	FAILS(run_codec(make_zip(encrypted, 1), &any, 100, &out, &err), EOPNOTSUPP, "is encrypted");
	FAILS(run_codec(make_zip(odd, 1), &any, 100, &out, &err), EOPNOTSUPP,
	      "uses compression method 12");
	FAILS(run_codec(make_zip(deferred, 1), &any, 100, &out, &err), EOPNOTSUPP,
	      "stored without its size in front");
	source = open_zip(make_zip(two, 2));
	OK(zip_directory_read(&directory, source, &err));
	FAILS(zip_find_image(&directory, "a.zip", NULL, &member, &err), EPROTO, "more than one");
	OK(zip_find_image(&directory, "a.zip", "b.img", &member, &err));
	ck_assert_str_eq(member->name, "b.img");
	zip_directory_fini(&directory);
	source_close(source);
	source = open_zip(make_zip(encrypted, 1));
	OK(zip_directory_read(&directory, source, &err));
	FAILS(zip_find_image(&directory, "a.zip", NULL, &member, &err), EOPNOTSUPP, "encrypted");
	zip_directory_fini(&directory);
	source_close(source);
}
END_TEST

START_TEST(truncation_and_damage_are_errors)
{
	const struct member members[] = {{"a.img", bytes_text(2000), true, true, 0, 0}};
	struct bytes zip = make_zip(members, 1), out;
	struct bmap_error err = {0};

	for (size_t len = 0; len < zip.len; len++) {
		struct source *source = open_zip(bytes_part(zip, 0, len));
		struct zip_directory directory;
		int r = run_codec(bytes_part(zip, 0, len), &any, 1000, &out, &err);

		ck_assert_msg(r == -ENODATA || r == -EBADMSG, "%zu bytes: %d", len, r);
		err = (struct bmap_error){0};
		FAILS(zip_directory_read(&directory, source, &err), EPROTO,
		      "the zip archive 'a.zip' is broken");
		source_close(source);
	}
	/* data, then the descriptor's checksum and size, counted from the end of the stream */
	for (size_t back = 0; back < 3; back++) {
		struct bytes bad = bytes_join(zip, bytes_zeros(0));
		size_t descriptor =
			(size_t)((uint8_t *)memmem(zip.data, zip.len, "PK\x07\x08", 4) - zip.data);

		bad.data[descriptor + (size_t[]){-20, 4, 12}[back]] ^= 1;
		ck_assert_int_eq(run_codec(bad, &any, 1000, &out, &err), -EBADMSG);
		err = (struct bmap_error){0};
	}
	FAILS(run_codec(bytes_join(zip, bytes_of("x")), &any, 1000, &out, &err), EBADMSG,
	      "followed by something else");
}
END_TEST

START_TEST(a_directory_that_lies_is_refused)
{
	const struct member members[] = {{"a.img", bytes_text(2000), true, false, 0, 0}};
	struct bytes zip = make_zip(members, 1);
	static const struct {
		size_t back; /* from the end */
		uint8_t value;
	} lies[] = {{22 - 10, 9},     {22 - 10, 0},         {22 - 12, 0xff},
		    {22 - 16 - 3, 1}, {22 + 51 - 42, 0xff}, {22 + 51 - 20 - 2, 0xff}};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct bytes bad = bytes_join(zip, bytes_zeros(0));
		struct zip_directory directory;
		struct bmap_error err = {0};
		struct source *source;
		int r;

		bad.data[bad.len - lies[i].back] = lies[i].value;
		source = open_zip(bad);
		r = zip_directory_read(&directory, source, &err);
		ck_assert_msg(r == -EPROTO, "lie %zu: %d", i, r);
		source_close(source);
	}
}
END_TEST

UNIT_MAIN("archive_zip", members_are_found_both_ways, stored_members_lie_as_they_are,
	  what_cannot_be_read_is_said, truncation_and_damage_are_errors,
	  a_directory_that_lies_is_refused)
