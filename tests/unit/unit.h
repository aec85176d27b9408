/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the unit tests share: a folder for each test, bytes that are freed after it, encoders, and
 * assertions that print the sentence of a failure.
 *
 * A test runs in a process of its own, in an empty folder that is its working directory.
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "bmap/bmap.h"
#include "bmap/error.h"
#include "codec/decoder.h"

/* Runs the tests one after the other; main()'s result. */
int unit_run(const char *name, const TTest *const *tests, size_t n_tests);

#define UNIT_MAIN(name, ...) \
	int main(void) \
	{ \
		const TTest *const tests[] = {__VA_ARGS__}; \
\
		return unit_run(name, tests, ARRAY_SIZE(tests)); \
	}

/* A line about what this build or machine lets be tested only in part. */
void unit_note(const char *format, ...) BMAP_PRINTF(1, 2);

/* @call succeeds; its failure stands in the local `err`. */
#define OK(call) \
	do { \
		long long r_ = (call); \
\
		ck_assert_msg(r_ >= 0, "%s: %lld (%s)", #call, r_, err.message); \
	} while (0)

/* @call fails with -@errno_code and a sentence that holds @text; `err` is clear afterwards. */
#define FAILS(call, errno_code, text) \
	do { \
		long long r_ = (call); \
\
		ck_assert_msg(r_ == -(errno_code) && err.code == (errno_code), \
			      "%s: %lld, not -%s (%s)", #call, r_, #errno_code, err.message); \
		ck_assert_msg(strstr(err.message, text) != NULL, "%s: '%s' does not say '%s'", \
			      #call, err.message, text); \
		err = (struct bmap_error){0}; \
	} while (0)

/* Bytes that live until the test ends. */
struct bytes {
	uint8_t *data;
	size_t len;
};

void *unit_alloc(size_t len);
struct bytes bytes_zeros(size_t len);
struct bytes bytes_random(size_t len, unsigned int seed);
struct bytes bytes_text(size_t len); /* that compress well */
struct bytes bytes_of(const char *text);
struct bytes bytes_join(struct bytes first, struct bytes second);
struct bytes bytes_part(struct bytes whole, size_t at, size_t len); /* not copied */

#define ASSERT_BYTES(made, expected) \
	do { \
		struct bytes a_ = (made), b_ = (expected); \
\
		ck_assert_msg(a_.len == b_.len, "%s: %zu bytes, not %zu", #made, a_.len, b_.len); \
		ck_assert_msg(!a_.len || memcmp(a_.data, b_.data, a_.len) == 0, \
			      "%s: other bytes than %s", #made, #expected); \
	} while (0)

void write_file(const char *path, struct bytes bytes);
struct bytes read_file(const char *path);

/* A pipe out of which @bytes come; @keep_open: and then nothing, without an end. */
int pipe_of(struct bytes bytes, bool keep_open);

/* Other programs.  run_tool() gives their standard output and asserts that they leave with 0. */
bool has_tool(const char *name);
struct bytes run_tool(const char *const *argv);
#define RUN(...) run_tool((const char *const[]){__VA_ARGS__, NULL})

/* ---- codecs ---- */

extern const char *const codec_names[]; /* ends with NULL; of every build */

/* The codec, or NULL with a note that it is not in this build. */
const struct codec *codec_or_note(const char *name);

/* One member with @bytes in it, by the library's own encoder. */
struct bytes encode(const char *codec, struct bytes bytes);

/* xz as several threads write it: blocks of @block_len, with their lengths in front. */
struct bytes encode_xz_blocks(struct bytes bytes, size_t block_len);

/*
 * Decodes @in, given and taken in steps of so many bytes.  Returns 0 and *@out when it was whole,
 * or what decoder_run() returns.
 */
struct decode_steps {
	size_t in, out;
	uint64_t max_memory_bytes; /* 0: plenty */
	const struct piece *piece;
};

int decode_bytes(const struct codec *codec, struct bytes in, struct decode_steps steps,
		 struct bytes *out, struct bmap_error *err);

/* ---- archives ---- */

/* One member of a tar archive as ustar has it, padded; and the records of zeros at the end. */
struct bytes tar_member(char type, const char *name, struct bytes content);
struct bytes tar_end(void);

/* A map of ranges {first, n_blocks}, with the SHA-256 checksums of @image (NULL: without any). */
struct bmap *map_of(const struct bytes *image, uint64_t image_size_bytes, uint64_t block_size_bytes,
		    const struct bmap_range *ranges, size_t n_ranges);

#endif
