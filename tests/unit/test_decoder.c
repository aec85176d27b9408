/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole streams through every codec; pieces are the business of test_splitter.c. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "unit.h"

/* Steps as large as the input. */
static struct decode_steps whole(struct bytes in)
{
	return (struct decode_steps){.in = in.len + 1, .out = 1 << 20};
}

static void check_decodes(const struct codec *codec, struct bytes in, struct decode_steps steps,
			  struct bytes expected)
{
	struct bmap_error err = {0};
	struct bytes out = {0};

	OK(decode_bytes(codec, in, steps, &out, &err));
	ASSERT_BYTES(out, expected);
}

/* Calls the body with `name` and `codec` of every codec of this build. */
#define FOR_EACH_CODEC(name, codec) \
	for (const char *const *name##_ = codec_names, *name; (name = *name##_); name##_++) \
		for (const struct codec *codec = codec_or_note(name); codec; codec = NULL)

START_TEST(buffers_of_any_size_give_the_same)
{
	static const size_t steps[][2] = {{1, 1}, {1, 70000}, {70000, 1}, {7, 13}, {4096, 4095}};
	struct bytes text = bytes_join(bytes_text(20000), bytes_random(3000, 1));

	FOR_EACH_CODEC(name, codec)
	{
		struct bytes in = encode(name, text);

		check_decodes(codec, in, whole(in), text);
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
			check_decodes(codec, in,
				      (struct decode_steps){.in = steps[i][0], .out = steps[i][1]},
				      text);
	}
}
END_TEST

START_TEST(large_and_small_contents)
{
	FOR_EACH_CODEC(name, codec)
	{
		struct bytes contents[] = {bytes_zeros(0), bytes_of("x"), bytes_zeros(3 << 20),
					   bytes_random(1 << 20, 2), bytes_text(2000000)};

		for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
			struct bytes in = encode(name, contents[i]);

			check_decodes(codec, in, (struct decode_steps){.in = 65536, .out = 65536},
				      contents[i]);
		}
	}
}
END_TEST

START_TEST(members_behind_each_other_are_one_stream)
{
	FOR_EACH_CODEC(name, codec)
	{
		struct bytes one = bytes_text(5000), two = bytes_random(5000, 3);
		struct bytes empty = encode(name, bytes_zeros(0));
		struct bytes in = bytes_join(encode(name, one), encode(name, two));
		struct bytes expected = bytes_join(one, two);

		check_decodes(codec, in, whole(in), expected);
		check_decodes(codec, in, (struct decode_steps){.in = 1, .out = 1}, expected);
		/* empty ones in front, between, behind */
		in = bytes_join(bytes_join(empty, encode(name, one)),
				bytes_join(bytes_join(empty, encode(name, two)), empty));
		check_decodes(codec, in, whole(in), expected);
		check_decodes(codec, in, (struct decode_steps){.in = 3, .out = 2}, expected);
		in = bytes_join(empty, empty);
		check_decodes(codec, in, (struct decode_steps){.in = 1, .out = 1}, bytes_zeros(0));
	}
}
END_TEST

START_TEST(truncation_is_an_error_at_every_byte)
{
	FOR_EACH_CODEC(name, codec)
	{
		struct bytes in = encode(name, bytes_text(300));

		for (size_t len = 0; len < in.len; len++) {
			for (size_t step = 1; step <= 4096; step *= 4096) {
				struct decode_steps steps = {.in = step, .out = 1000};
				struct bmap_error err = {0};
				struct bytes out = {0};
				int r = decode_bytes(codec, bytes_part(in, 0, len), steps, &out,
						     &err);

				ck_assert_msg(r == -ENODATA || r == -EBADMSG,
					      "%s cut to %zu of %zu bytes: %d (%s)", name, len,
					      in.len, r, err.message);
				ck_assert_int_eq(err.code, -r);
				ck_assert_ptr_nonnull(strstr(err.message, name));
			}
		}
	}
}
END_TEST

START_TEST(truncation_of_a_later_member_is_an_error)
{
	FOR_EACH_CODEC(name, codec)
	{
		struct bytes one = encode(name, bytes_text(300));
		struct bytes in = bytes_join(one, one);

		for (size_t len = one.len + 1; len < in.len; len++) {
			struct bmap_error err = {0};
			struct bytes out = {0};
			int r = decode_bytes(codec, bytes_part(in, 0, len), whole(in), &out, &err);

			ck_assert_msg(r == -ENODATA || r == -EBADMSG, "%s cut to %zu bytes: %d",
				      name, len, r);
		}
	}
}
END_TEST

START_TEST(garbage_behind_is_an_error)
{
	struct bytes garbage[] = {bytes_of("garbage behind the data"), bytes_of("x"),
				  bytes_random(70000, 4), bytes_zeros(1)};

	FOR_EACH_CODEC(name, codec)
	{
		struct bytes in = encode(name, bytes_text(3000));

		for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
			for (size_t step = 1; step <= 100000; step *= 100000) {
				struct decode_steps steps = {.in = step, .out = 5000};
				struct bmap_error err = {0};
				struct bytes out = {0};
				int r = decode_bytes(codec, bytes_join(in, garbage[i]), steps, &out,
						     &err);

				ck_assert_msg(r == -EBADMSG ||
						      (r == -ENODATA && garbage[i].len == 1),
					      "%s, garbage %zu, steps of %zu: %d (%s)", name, i,
					      step, r, err.message);
			}
		}
	}
}
END_TEST

/* Codecs have checksums: a changed byte of the contents never comes out unnoticed. */
START_TEST(a_changed_byte_is_noticed)
{
	struct bytes text = bytes_random(2000, 5);

	FOR_EACH_CODEC(name, codec)
	{
		struct bytes in = encode(name, text);

		for (size_t at = 0; at < in.len; at++) {
			struct bytes bad = bytes_join(in, bytes_zeros(0));
			struct bmap_error err = {0};
			struct bytes out = {0};
			int r;

			bad.data[at] ^= 0x10;
			r = decode_bytes(codec, bad, whole(bad), &out, &err);
			if (r < 0)
				ck_assert_int_eq(err.code, -r);
			else /* a field that means nothing here, such as a time */
				ASSERT_BYTES(out, text);
		}
	}
}
END_TEST

START_TEST(a_decoder_can_be_started_again)
{
	FOR_EACH_CODEC(name, codec)
	{
		CLEANUP(decoder_freep) struct decoder *decoder = NULL;
		struct bytes text = bytes_text(10000), in = encode(name, text);
		struct bmap_error err = {0};

		OK(decoder_new(&decoder, codec, 256 << 20, &err));
		/* After nothing, after half of it, after an error, after all. */
		for (int round = 0; round < 5; round++) {
			CLEANUP_FREE uint8_t *out = malloc(text.len);
			struct decoder_io io = {
				.in = in.data,
				.in_left = in.len,
				.in_end = true,
				.out = out,
				.out_left = text.len,
			};

			OK(decoder_start(decoder, NULL, &err));
			if (round == 1) {
				io.in_left /= 2;
				io.in_end = false;
				ck_assert_int_eq(decoder_run(decoder, &io, &err), 0);
			} else if (round == 2) {
				io.in = text.data;
				io.in_left = text.len;
				ck_assert_int_lt(decoder_run(decoder, &io, &err), 0);
				err = (struct bmap_error){0};
			} else if (round > 2) {
				int r = decoder_run(decoder, &io, &err);

				if (r == 0) /* the room was full before the end was seen */
					r = decoder_run(decoder, &io, &err);
				ck_assert_int_eq(io.out_left, 0);
				ck_assert_mem_eq(out, text.data, text.len);
			}
		}
	}
}
END_TEST

START_TEST(memory_is_limited)
{
	struct bytes zeros = bytes_zeros(24 << 20);
	struct bmap_error err = {0};
	struct bytes in, out = {0};
	struct decode_steps steps = {.in = 1 << 20, .out = 1 << 20, .max_memory_bytes = 2 << 20};

	write_file("zeros", zeros);
	if (has_tool("xz")) {
		in = RUN("xz", "-9", "-c", "zeros");
		FAILS(decode_bytes(codec_by_name("xz"), in, steps, &out, &err), ENOMEM,
		      "MiB of memory to decode, more than is allowed (see --memory)");
	} else {
		unit_note("xz is not here: its memory limit is not tested");
	}
	if (has_tool("zstd") && codec_or_note("zstd")) {
		in = RUN("zstd", "-q", "--ultra", "-22", "--long=27", "-c", "zeros");
		FAILS(decode_bytes(codec_by_name("zstd"), in, steps, &out, &err), ENOMEM,
		      "the zstd data needs more memory to decode than is allowed (see --memory)");
	} else {
		unit_note("zstd is not here: its memory limit is not tested");
	}
	if (codec_or_note("lzop")) {
		in = encode("lzop", zeros);
		steps.max_memory_bytes = 100000;
		FAILS(decode_bytes(codec_by_name("lzop"), in, steps, &out, &err), ENOMEM,
		      "the lzop data has blocks of 262144 bytes, more than is allowed");
	}
}
END_TEST

START_TEST(what_the_real_tools_write)
{
	static const struct {
		const char *codec, *argv[8];
	} tools[] = {
		{"gzip", {"gzip", "-9", "-c", "f"}},
		{"gzip", {"pigz", "-b", "128", "-c", "f"}},
		{"xz", {"xz", "-T2", "--block-size=100KiB", "-c", "f"}},
		{"xz", {"xz", "--check=sha256", "-0", "-c", "f"}},
		{"xz", {"xz", "--x86", "--lzma2=preset=1", "-c", "f"}},
		{"zstd", {"zstd", "-q", "-3", "-c", "f"}},
		{"zstd", {"zstd", "-q", "--no-check", "-1", "-c", "f"}},
		{"bzip2", {"bzip2", "-1", "-c", "f"}},
		{"bzip2", {"pbzip2", "-1", "-c", "f"}},
		{"lz4", {"lz4", "-q", "-B4", "-BD", "-c", "f"}},
		{"lz4", {"lz4", "-q", "--content-size", "-BX", "-c", "f"}},
		{"lzop", {"lzop", "-c", "f"}},
		{"lzop", {"lzop", "-9", "--crc32", "-c", "f"}},
	};
	struct bytes text = bytes_join(bytes_text(700000), bytes_random(300000, 6));

	write_file("f", text);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		const struct codec *codec = codec_or_note(tools[i].codec), *found = NULL;
		struct bmap_error err = {0};
		struct bytes in;

		if (!has_tool(tools[i].argv[0])) {
			unit_note("%s is not here: what it writes is not tested", tools[i].argv[0]);
			continue;
		}
		if (!codec)
			continue;
		in = run_tool(tools[i].argv);
		OK(codec_find(&found, in.data, MIN(in.len, CODEC_HEAD_LEN), "f", &err));
		ck_assert_ptr_eq(found, codec);
		check_decodes(codec, in, (struct decode_steps){.in = 10000, .out = 30000}, text);
	}
}
END_TEST

START_TEST(codecs_are_found_by_content)
{
	struct bytes skippable = bytes_join(bytes_of("\x50\x2a\x4d\x18\x03"), bytes_zeros(6));
	const struct codec *found;
	struct bmap_error err = {0};

	skippable.data[5] = skippable.data[6] = 0;
	FOR_EACH_CODEC(name, codec)
	{
		struct bytes in = encode(name, bytes_zeros(0));

		OK(codec_find(&found, in.data, in.len, "f", &err));
		ck_assert_ptr_eq(found, codec);
		ck_assert_str_eq(codec_name(found), name);
		ck_assert_ptr_eq(codec_by_name(name), codec);
		OK(codec_find(&found, in.data, 2, "f", &err));
		ck_assert_ptr_null(found);
		if (!strcmp(name, "zstd") || !strcmp(name, "lz4")) {
			in = bytes_join(skippable, in);
			OK(codec_find(&found, in.data, in.len, "f", &err));
			ck_assert_ptr_eq(found, codec);
			check_decodes(codec, in, whole(in), bytes_zeros(0));
		}
	}
	OK(codec_find(&found, (const uint8_t *)"", 0, "f", &err));
	ck_assert_ptr_null(found);
	OK(codec_find(&found, bytes_zeros(4096).data, 4096, "f", &err));
	ck_assert_ptr_null(found);
	ck_assert_ptr_null(codec_by_name("compress"));
}
END_TEST

START_TEST(known_formats_are_not_taken_for_images)
{
	static const struct {
		const char *head, *name;
	} formats[] = {
		{"\x1f\x9d\x90", "compress (.Z)"},
		{"LZIP\x01", "lzip"},
		{"7z\xbc\xaf\x27\x1c", "7z"},
		{"\x02\x21\x4c\x18", "lz4 (legacy frame)"},
	};
	const struct codec *found;
	struct bmap_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct bytes head = bytes_of(formats[i].head);

		FAILS(codec_find(&found, head.data, head.len, "f", &err), EOPNOTSUPP,
		      formats[i].name);
		FAILS(codec_find(&found, head.data, head.len, "f", &err), EOPNOTSUPP,
		      "which this build of bmaptool cannot decode");
	}
}
END_TEST

#ifdef HAVE_LZO
START_TEST(lzop_headers_are_checked)
{
	const struct codec *codec = codec_by_name("lzop");
	struct bytes in = encode("lzop", bytes_text(1000)), bad, out = {0};
	struct bmap_error err = {0};

#define CHANGED(at, value) \
	(bad = bytes_join(in, bytes_zeros(0)), bad.data[at] = (value), \
	 decode_bytes(codec, bad, whole(bad), &out, &err))
	FAILS(CHANGED(0, 0), EBADMSG, "its header is damaged");
	FAILS(CHANGED(15, 9), EOPNOTSUPP, "uses a method that is not LZO1X");
	FAILS(CHANGED(19, 8), EOPNOTSUPP, "uses a filter");
	FAILS(CHANGED(25, 1), EBADMSG, "its header is damaged");
	FAILS(CHANGED(38, 0x7f), EBADMSG, "its block header is damaged");
	FAILS(CHANGED(in.len - 10, (uint8_t)~in.data[in.len - 10]), EBADMSG,
	      "the lzop data does not decode");
#undef CHANGED
}
END_TEST
#else
START_TEST(lzop_headers_are_checked)
{
	codec_or_note("lzop");
}
END_TEST
#endif

UNIT_MAIN("decoder", buffers_of_any_size_give_the_same, large_and_small_contents,
	  members_behind_each_other_are_one_stream, truncation_is_an_error_at_every_byte,
	  truncation_of_a_later_member_is_an_error, garbage_behind_is_an_error,
	  a_changed_byte_is_noticed, a_decoder_can_be_started_again, memory_is_limited,
	  what_the_real_tools_write, codecs_are_found_by_content,
	  known_formats_are_not_taken_for_images, lzop_headers_are_checked)
