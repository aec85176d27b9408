/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <lzma.h>
#include <zlib.h>
#ifdef HAVE_BZIP2
#include <bzlib.h>
#endif
#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif
#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "map/digest.h"
#include "unit.h"

#define TIMEOUT_SEC  120 /* of a test, with sanitizers and on a busy machine */
#define MAX_TOOL_LEN (64 << 20)

/* ---- running ---- */

struct allocation {
	struct allocation *next;
	max_align_t data[];
};

static struct allocation *allocations;
static pthread_t pipe_writers[16];
static size_t n_pipe_writers;
static int pipe_ends[16];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void enter_folder(void)
{
	char folder[] = "test.XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	ck_assert(mkdtemp(folder) && chdir(folder) == 0);
}

static void free_all(void)
{
	for (size_t i = 0; i < n_pipe_writers; i++) {
		pthread_join(pipe_writers[i], NULL);
		if (pipe_ends[i] >= 0)
			close(pipe_ends[i]);
	}
	while (allocations) {
		struct allocation *allocation = allocations;

		allocations = allocation->next;
		free(allocation);
	}
}

int unit_run(const char *name, const TTest *const *tests, size_t n_tests)
{
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *folder = NULL;
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int n_failed;

	/* One folder for all, so that it can be removed after tests that crashed. */
	if (asprintf(&folder, "%s/bmap-unit.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0 ||
	    !mkdtemp(folder) || chdir(folder) < 0) {
		perror("cannot make a folder");
		return 1;
	}
	setbuf(stdout, NULL);
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, TIMEOUT_SEC);
	tcase_add_checked_fixture(tcase, enter_folder, free_all);
	for (size_t i = 0; i < n_tests; i++)
		tcase_add_test(tcase, tests[i]);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (chdir("/") == 0)
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return n_failed ? 1 : 0;
}

void unit_note(const char *format, ...)
{
	va_list args;

	fputs("note: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fputc('\n', stdout);
}

/* ---- bytes ---- */

void *unit_alloc(size_t len)
{
	struct allocation *allocation = calloc(1, sizeof(*allocation) + len);

	ck_assert_ptr_nonnull(allocation);
	allocation->next = allocations;
	allocations = allocation;
	return allocation->data;
}

struct bytes bytes_zeros(size_t len)
{
	return (struct bytes){unit_alloc(len), len};
}

struct bytes bytes_random(size_t len, unsigned int seed)
{
	struct bytes bytes = bytes_zeros(len);
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < len; i++) { /* xorshift */
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes.data[i] = (uint8_t)(state >> 32);
	}
	return bytes;
}

struct bytes bytes_text(size_t len)
{
	struct bytes bytes = bytes_zeros(len);
	char line[64];

	for (size_t at = 0, i = 0; at < len; i++) {
		size_t n = (size_t)snprintf(line, sizeof(line), "%zu green bottles, %zu\n", i,
					    i * i % 97);

		memcpy(bytes.data + at, line, MIN(n, len - at));
		at += MIN(n, len - at);
	}
	return bytes;
}

struct bytes bytes_of(const char *text)
{
	struct bytes bytes = bytes_zeros(strlen(text));

	memcpy(bytes.data, text, bytes.len);
	return bytes;
}

struct bytes bytes_join(struct bytes first, struct bytes second)
{
	struct bytes bytes = bytes_zeros(first.len + second.len);

	if (first.len)
		memcpy(bytes.data, first.data, first.len);
	if (second.len)
		memcpy(bytes.data + first.len, second.data, second.len);
	return bytes;
}

struct bytes bytes_part(struct bytes whole, size_t at, size_t len)
{
	ck_assert(at + len <= whole.len);
	return (struct bytes){whole.data + at, len};
}

void write_file(const char *path, struct bytes bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_full(fd, bytes.data, bytes.len), 0);
	close(fd);
}

struct bytes read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct bytes bytes;
	off_t size;

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	size = lseek(fd, 0, SEEK_END);
	bytes = bytes_zeros((size_t)size);
	ck_assert_int_eq(fd_pread_full(fd, bytes.data, bytes.len, 0), size);
	close(fd);
	return bytes;
}

struct pipe_job {
	struct bytes bytes;
	int fd;
	bool keep_open;
};

static void *pipe_writer(void *opaque)
{
	struct pipe_job *job = opaque;

	/* Whoever does not read to the end is no failure of this thread. */
	(void)!fd_write_full(job->fd, job->bytes.data, job->bytes.len);
	if (!job->keep_open)
		close(job->fd);
	return NULL;
}

int pipe_of(struct bytes bytes, bool keep_open)
{
	struct pipe_job *job = unit_alloc(sizeof(*job));
	int ends[2];

	ck_assert_uint_lt(n_pipe_writers, ARRAY_SIZE(pipe_writers));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	*job = (struct pipe_job){bytes, ends[1], keep_open};
	pipe_ends[n_pipe_writers] = keep_open ? ends[1] : -1;
	ck_assert_int_eq(pthread_create(&pipe_writers[n_pipe_writers], NULL, pipe_writer, job), 0);
	n_pipe_writers++;
	return ends[0];
}

bool has_tool(const char *name)
{
	CLEANUP_FREE char *path = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");

	for (char *folder = strtok(path, ":"); folder; folder = strtok(NULL, ":")) {
		CLEANUP_FREE char *tool = NULL;

		if (asprintf(&tool, "%s/%s", folder, name) >= 0 && access(tool, X_OK) == 0)
			return true;
	}
	return false;
}

struct bytes run_tool(const char *const *argv)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *said = NULL;
	struct bmap_error err = {0};
	struct bytes bytes;
	size_t len = 0;
	int status = 0;

	OK(child_run(argv, MAX_TOOL_LEN, &text, &len, &said, &status, &err));
	ck_assert_msg(status == 0, "%s left with %d: %s", argv[0], status, said);
	bytes = bytes_zeros(len);
	memcpy(bytes.data, text, len);
	return bytes;
}

/* ---- codecs ---- */

const char *const codec_names[] = {"gzip", "xz", "zstd", "bzip2", "lz4", "lzop", NULL};

const struct codec *codec_or_note(const char *name)
{
	const struct codec *codec = codec_by_name(name);

	if (!codec)
		unit_note("this build is without %s, which is not tested", name);
	return codec;
}

static struct bytes encode_gzip(struct bytes in)
{
	struct bytes out = bytes_zeros(in.len + in.len / 8 + 1024);
	z_stream stream = {.next_in = in.data, .avail_in = (unsigned int)in.len};

	ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_out = out.data;
	stream.avail_out = (unsigned int)out.len;
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out.len = stream.total_out;
	deflateEnd(&stream);
	return out;
}

static struct bytes run_lzma(lzma_stream *stream, struct bytes in)
{
	struct bytes out = bytes_zeros(in.len + in.len / 8 + 4096);
	lzma_ret code;

	stream->next_in = in.data;
	stream->avail_in = in.len;
	stream->next_out = out.data;
	stream->avail_out = out.len;
	while ((code = lzma_code(stream, LZMA_FINISH)) == LZMA_OK)
		;
	ck_assert_int_eq(code, LZMA_STREAM_END);
	out.len = stream->total_out;
	lzma_end(stream);
	return out;
}

static struct bytes encode_xz(struct bytes in)
{
	lzma_stream stream = LZMA_STREAM_INIT;

	ck_assert_int_eq(lzma_easy_encoder(&stream, 1, LZMA_CHECK_CRC32), LZMA_OK);
	return run_lzma(&stream, in);
}

struct bytes encode_xz_blocks(struct bytes in, size_t block_len)
{
	const lzma_mt options = {
		.threads = 1, .block_size = block_len, .preset = 1, .check = LZMA_CHECK_CRC64};
	lzma_stream stream = LZMA_STREAM_INIT;

	ck_assert_int_eq(lzma_stream_encoder_mt(&stream, &options), LZMA_OK);
	return run_lzma(&stream, in);
}

#ifdef HAVE_ZSTD
static struct bytes encode_zstd(struct bytes in)
{
	struct bytes out = bytes_zeros(ZSTD_compressBound(in.len));
	ZSTD_CCtx *context = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	out.len = ZSTD_compress2(context, out.data, out.len, in.data, in.len);
	ck_assert(!ZSTD_isError(out.len));
	ZSTD_freeCCtx(context);
	return out;
}
#endif

#ifdef HAVE_BZIP2
static struct bytes encode_bzip2(struct bytes in)
{
	unsigned int len = (unsigned int)(in.len + in.len / 50 + 1000);
	struct bytes out = bytes_zeros(len);

	ck_assert_int_eq(BZ2_bzBuffToBuffCompress((char *)out.data, &len, (char *)in.data,
						  (unsigned int)in.len, 1, 0, 0),
			 BZ_OK);
	out.len = len;
	return out;
}
#endif

#ifdef HAVE_LZ4
static struct bytes encode_lz4(struct bytes in)
{
	const LZ4F_preferences_t preferences = {
		.frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled,
			      .blockMode = LZ4F_blockIndependent,
			      .contentSize = in.len}};
	struct bytes out = bytes_zeros(LZ4F_compressFrameBound(in.len, &preferences));

	out.len = LZ4F_compressFrame(out.data, out.len, in.data, in.len, &preferences);
	ck_assert(!LZ4F_isError(out.len));
	return out;
}
#endif

#ifdef HAVE_LZO
#define LZOP_BLOCK_LEN (256 << 10)

static size_t put_be32(uint8_t *p, uint32_t n)
{
	store_be32(p, n);
	return 4;
}

/* As lzop writes it: checksums (Adler-32) of the data as it was, blocks that grow stored. */
static struct bytes encode_lzop(struct bytes in)
{
	static const uint8_t head[] = {
		0x89, 'L',  'Z',  'O',  0, '\r', '\n', 0x1a, '\n', 0x10, 0x40, 0x20, 0xa0,
		0x09, 0x40, 1,    5,    0, 0,    0,    1, /* flags: ADLER32_D */
		0,    0,    0x81, 0xa4, 0, 0,    0,    0,    0,    0,    0,    0,    0};
	struct bytes out = bytes_zeros(in.len + in.len / 16 + 1024);
	void *memory = unit_alloc(LZO1X_1_MEM_COMPRESS);
	uint8_t *p = out.data;

	ck_assert_int_eq(lzo_init(), LZO_E_OK);
	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	p += put_be32(p, lzo_adler32(lzo_adler32(0, NULL, 0), head + 9, sizeof(head) - 9));
	for (size_t at = 0; at < in.len; at += LZOP_BLOCK_LEN) {
		size_t len = MIN(in.len - at, (size_t)LZOP_BLOCK_LEN);
		const uint8_t *data = in.data + at;
		lzo_uint made = 0;

		lzo1x_1_compress(data, len, p + 12, &made, memory);
		p += put_be32(p, (uint32_t)len);
		p += put_be32(p, (uint32_t)MIN(made, len));
		p += put_be32(p, lzo_adler32(lzo_adler32(0, NULL, 0), data, len));
		if (made >= len)
			memcpy(p, data, len);
		p += MIN(made, len);
	}
	p += put_be32(p, 0);
	out.len = (size_t)(p - out.data);
	return out;
}
#endif

struct bytes encode(const char *codec, struct bytes bytes)
{
	if (!strcmp(codec, "gzip"))
		return encode_gzip(bytes);
	if (!strcmp(codec, "xz"))
		return encode_xz(bytes);
#ifdef HAVE_ZSTD
	if (!strcmp(codec, "zstd"))
		return encode_zstd(bytes);
#endif
#ifdef HAVE_BZIP2
	if (!strcmp(codec, "bzip2"))
		return encode_bzip2(bytes);
#endif
#ifdef HAVE_LZ4
	if (!strcmp(codec, "lz4"))
		return encode_lz4(bytes);
#endif
#ifdef HAVE_LZO
	if (!strcmp(codec, "lzop"))
		return encode_lzop(bytes);
#endif
	ck_abort_msg("no encoder for %s", codec);
}

static void append(struct bytes *bytes, size_t *capacity, const uint8_t *data, size_t len)
{
	if (bytes->len + len > *capacity) {
		struct bytes larger = bytes_zeros(2 * (bytes->len + len) + 4096);

		if (bytes->len)
			memcpy(larger.data, bytes->data, bytes->len);
		*capacity = larger.len;
		bytes->data = larger.data;
	}
	if (len)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

int decode_bytes(const struct codec *codec, struct bytes in, struct decode_steps steps,
		 struct bytes *out, struct bmap_error *err)
{
	uint64_t memory = steps.max_memory_bytes ? steps.max_memory_bytes : UINT64_C(256) << 20;
	CLEANUP(decoder_freep) struct decoder *decoder = NULL;
	/* Of exactly the size that the decoder may write to, for the sanitizer to see. */
	CLEANUP_FREE uint8_t *room = malloc(steps.out);
	CLEANUP_FREE uint8_t *window = malloc(steps.in);
	struct bytes made = {0};
	size_t capacity = 0, at = 0, n_idle = 0;
	int r = decoder_new(&decoder, codec, memory, err);

	if (r == 0)
		r = decoder_start(decoder, steps.piece, err);
	while (r == 0) {
		size_t len = MIN(steps.in, in.len - at);
		struct decoder_io io = {
			.in = window,
			.in_left = len,
			.in_end = at + len == in.len,
			.out = room,
			.out_left = steps.out,
		};

		if (len)
			memcpy(window, in.data + at, len);
		r = decoder_run(decoder, &io, err);
		n_idle = io.in_left == len && io.out_left == steps.out ? n_idle + 1 : 0;
		ck_assert_msg(n_idle < 8, "%s stands still at byte %zu", codec_name(codec), at);
		at += len - io.in_left;
		append(&made, &capacity, room, steps.out - io.out_left);
	}
	if (r < 0)
		return r;
	ck_assert_uint_eq(at, in.len);
	*out = made;
	return 0;
}

/* ---- archives and maps ---- */

struct bytes tar_member(char type, const char *name, struct bytes content)
{
	struct bytes header = bytes_zeros(512);
	char *h = (char *)header.data;
	size_t padding = (512 - content.len % 512) % 512;
	unsigned int sum = 0;

	snprintf(h, 100, "%s", name);
	memcpy(h + 100,
	       "0000644\0"
	       "0000000\0"
	       "0000000\0",
	       24);
	snprintf(h + 124, 12, "%011zo", content.len);
	memcpy(h + 136, "00000000000", 12);
	memcpy(h + 148, "        ", 8);
	h[156] = type;
	memcpy(h + 257,
	       "ustar\0"
	       "00",
	       8);
	for (size_t i = 0; i < 512; i++)
		sum += header.data[i];
	snprintf(h + 148, 8, "%06o", sum);
	return bytes_join(bytes_join(header, content), bytes_zeros(padding));
}

struct bytes tar_end(void)
{
	return bytes_zeros(1024);
}

struct bmap *map_of(const struct bytes *image, uint64_t image_size_bytes, uint64_t block_size_bytes,
		    const struct bmap_range *ranges, size_t n_ranges)
{
	struct digest_type *type;
	struct bmap_error err = {0};
	struct bmap *map;

	OK(bmap_new(&map, image_size_bytes, block_size_bytes, image ? "sha256" : NULL, &err));
	OK(digest_type_new(&type, "sha256", &err));
	for (size_t i = 0; i < n_ranges; i++) {
		uint64_t first = ranges[i].first_block * block_size_bytes;
		uint64_t end = MIN(first + ranges[i].n_blocks * block_size_bytes, image_size_bytes);
		uint8_t digest[BMAP_MAX_DIGEST_LEN];

		if (image)
			OK(digest_of(type, image->data + first, end - first, digest));
		OK(bmap_add_range(map, ranges[i].first_block, ranges[i].n_blocks,
				  image ? digest : NULL, &err));
	}
	digest_type_free(type);
	return map;
}
