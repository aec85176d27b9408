/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Indexes that come from outside; the first byte chooses which.  GZIDX files; the seek tables,
 * headers and indexes of zstd, lz4 and xz, where pieces that hold what the index says must be what
 * the stream holds; kept piece indexes; and the files that say which blocks of a sparse store
 * count: these bytes change a good one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/fd_io.h"
#include "base/sparse_store.h"
#include "codec/decoder_ops.h"
#include "codec/gzip_index.h"
#include "codec/piece_index_file.h"
#include "fuzz.h"
#include "source/source.h"

#define MAX_MEMORY     (16 << 20)
#define MAX_OUTPUT     (4 << 20)
#define MAX_PIECES     256 /* that are decoded */
#define STEP           4099
#define STORE_SIZE     (20 * 4096 + 1000)
#define STORE_N_BLOCKS 21
#define GZIDX_LEN_AT   7
#define KEPT_LEN_AT    24
#define ZSTD_SEEK_LEN  9

/* Places of the first byte. */
enum { GZIDX = 3, STORE = 4, KEPT = 6, N_KINDS = 7 };
static const char *const names[N_KINDS] = {"zstd", "lz4", "xz", NULL, NULL, "gzip", NULL};

/* ---- what a piece index promises ---- */

static void check_failure(int r, const struct bmap_error *err)
{
	if (r < 0 && (err->code != -r || !err->message[0]))
		abort();
}

static void check_find(const struct piece_index *index, uint64_t offset_bytes)
{
	size_t i = piece_index_find(index, offset_bytes);

	if (i >= index->n_pieces || index->pieces[i].image_offset_bytes > offset_bytes ||
	    offset_bytes - index->pieces[i].image_offset_bytes >= index->pieces[i].image_len_bytes)
		abort();
}

static void check_promises(const struct piece_index *index)
{
	uint64_t end = 0;

	for (size_t i = 0; i < index->n_pieces; i++) {
		const struct piece *piece = &index->pieces[i];
		uint64_t encoded_end;

		if (piece->image_offset_bytes != end || piece->image_len_bytes > INT64_MAX - end)
			abort();
		end += piece->image_len_bytes;
		if (ckd_add(&encoded_end, piece->encoded_offset_bytes, piece->encoded_len_bytes) ||
		    encoded_end > INT64_MAX)
			abort();
	}
	if (piece_index_end(index) != end)
		abort();
	for (size_t i = 0; i < MIN(index->n_pieces, (size_t)MAX_PIECES); i++) {
		const struct piece *piece = &index->pieces[i];

		if (piece->image_len_bytes) {
			check_find(index, piece->image_offset_bytes);
			check_find(index, piece->image_offset_bytes + piece->image_len_bytes - 1);
		}
	}
}

/* ---- decoding ---- */

struct output {
	uint64_t n_bytes, sum;
};

static void add(struct output *output, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		output->sum = (output->sum ^ data[i]) * UINT64_C(0x100000001b3);
	output->n_bytes += len;
}

/* 1: whole; a bomb counts as an error. */
static int decode(struct decoder *decoder, const struct piece *piece, const uint8_t *data,
		  size_t size, struct output *output)
{
	uint8_t *in = malloc(size ? size : 1), room[STEP]; /* of the size that may be read */
	struct bmap_error err = {0};
	struct decoder_io io = {.in = in, .in_left = size, .in_end = true};
	int r = decoder_start(decoder, piece, &err);

	if (size)
		memcpy(in, data, size);
	while (r == 0 && output->n_bytes < MAX_OUTPUT) {
		io.out = room;
		io.out_left = STEP;
		r = decoder_run(decoder, &io, &err);
		add(output, room, STEP - io.out_left);
	}
	free(in);
	check_failure(r, &err);
	return r == 0 ? -EFBIG : r;
}

/* true: the pieces hold what the index says. */
static bool decode_pieces(struct decoder *decoder, const struct piece_index *index,
			  const uint8_t *data, size_t size, struct output *output)
{
	bool is_whole = index->n_pieces <= MAX_PIECES;

	for (size_t i = 0; i < MIN(index->n_pieces, (size_t)MAX_PIECES); i++) {
		const struct piece *piece = &index->pieces[i];
		uint64_t before = output->n_bytes;

		if (piece->encoded_offset_bytes > size ||
		    piece->encoded_len_bytes > size - piece->encoded_offset_bytes ||
		    decode(decoder, piece, data + piece->encoded_offset_bytes,
			   piece->encoded_len_bytes, output) < 0 ||
		    output->n_bytes - before != piece->image_len_bytes)
			is_whole = false;
	}
	return is_whole;
}

/* A seek table is only believed: frames that it does not name are not read. */
static bool has_seek_table(const uint8_t *data, size_t size)
{
	return size > ZSTD_SEEK_LEN && load_le32(data + size - 4) == 0x8f92eab1;
}

static void try_codec(const struct codec *codec, const uint8_t *data, size_t size,
		      uint64_t image_size_bytes)
{
	const struct source_options options = {.is_random = true};
	struct output whole = {0}, pieces = {0};
	struct piece_index index = {0};
	struct source *source = NULL;
	struct decoder *decoder = NULL;
	struct bmap_error err = {0};
	char path[32];
	int fd = fd_memory_file("fuzz", data, size), r;

	if (fd < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (source_open(&source, path, &options, &err) < 0 ||
	    decoder_new(&decoder, codec, MAX_MEMORY, &err) < 0)
		abort();
	close(fd);
	r = codec->index(source, image_size_bytes, &index, &err);
	check_failure(r, &err);
	if (r == 0) {
		check_promises(&index);
		if (decode_pieces(decoder, &index, data, size, &pieces) &&
		    !has_seek_table(data, size) && decode(decoder, NULL, data, size, &whole) == 1 &&
		    (whole.n_bytes != pieces.n_bytes || whole.sum != pieces.sum))
			abort();
	}
	piece_index_fini(&index);
	decoder_free(decoder);
	source_close(source);
}

/* ---- gzip ---- */

/* The bytes that a checkpoint needs are there. */
static void read_window(const struct piece *piece)
{
	struct output output = {0};

	if (piece->is_checkpoint && piece->window)
		add(&output, piece->window, GZIP_WINDOW_LEN);
}

static void try_pieces(const struct gzip_index *index)
{
	struct piece_index pieces = {0};
	struct bmap_error err = {0};
	struct piece rest = {0};
	int r = gzip_index_pieces(index, &pieces, &rest, &err);

	check_failure(r, &err);
	if (r == 0) {
		check_promises(&pieces);
		for (size_t i = 0; i < pieces.n_pieces; i++)
			read_window(&pieces.pieces[i]);
		read_window(&rest);
		if (rest.is_checkpoint && rest.image_offset_bytes != piece_index_end(&pieces))
			abort();
	}
	piece_index_fini(&pieces);
}

static void try_gzidx(const uint8_t *data, size_t size)
{
	/* Of whichever file it says, so that this is not all that is found out. */
	uint64_t encoded_size = size >= GZIDX_LEN_AT + 8 ? load_le64(data + GZIDX_LEN_AT) : 0;
	struct gzip_index *index = NULL, *copy = NULL;
	struct bmap_error err = {0};
	int r;

	if (encoded_size > INT64_MAX) /* no file is as large */
		return;
	r = gzip_index_open(&index, fd_memory_file("fuzz", data, size), "fuzz", encoded_size,
			    PIECE_LEN_UNKNOWN, &err);
	check_failure(r, &err);
	if (r < 0)
		return;
	try_pieces(index);
	if (gzip_index_n_points(index) <= 16) {
		if (gzip_index_new(&copy, 1 << 20, NULL, "/tmp", &err) < 0)
			abort();
		check_failure(gzip_index_copy(copy, index, &err), &err);
	}
	gzip_index_free(copy);
	gzip_index_free(index);
}

/* ---- kept pieces ---- */

/* Of whichever file it says; its own bytes stand for the encoded ones. */
static void try_kept(const uint8_t *data, size_t size)
{
	static const char *const codecs[] = {"bzip2", "zstd", "lz4", "lzop"};
	uint64_t encoded_size = size >= KEPT_LEN_AT + 8 ? load_le64(data + KEPT_LEN_AT) : 0;
	char path[32];
	int fd;

	if (encoded_size > INT64_MAX) /* no file is as large */
		return;
	fd = fd_memory_file("fuzz", data, size);
	if (fd < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const struct codec *codec = codec_by_name(codecs[i]);
		struct piece_index index = {0};
		struct output output = {0};
		struct decoder *decoder = NULL;
		struct bmap_error err = {0};
		int r = piece_index_read(&index, path, codecs[i], encoded_size, &err);

		check_failure(r, &err);
		if (r == 0 && codec) {
			check_promises(&index);
			if (decoder_new(&decoder, codec, MAX_MEMORY, &err) < 0)
				abort();
			decode_pieces(decoder, &index, data, size, &output);
			decoder_free(decoder);
		}
		piece_index_fini(&index);
	}
	close(fd);
}

/* ---- sparse stores ---- */

static char folder[64], store_path[80], blocks_path[80];
static char *good;
static size_t good_len;

static const struct sparse_store_options store_options = {
	.size_bytes = STORE_SIZE,
	.block_size_bytes = 4096,
	.identity = "fuzz",
};

static void remove_folder(void)
{
	unlink(store_path);
	unlink(blocks_path);
	rmdir(folder);
	free(good);
}

/* Two stretches of blocks that count. */
static void make_store(void)
{
	static uint8_t bytes[5 * 4096];
	struct sparse_store *store = NULL;
	struct bmap_error err = {0};
	int fd;

	snprintf(folder, sizeof(folder), "/tmp/bmap-fuzz.XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(store_path, sizeof(store_path), "%s/store", folder);
	snprintf(blocks_path, sizeof(blocks_path), "%s/blocks", folder);
	atexit(remove_folder);
	if (sparse_store_open(&store, store_path, blocks_path, &store_options, &err) < 0 ||
	    sparse_store_pwrite(store, bytes, sizeof(bytes), 2 * 4096) < 0 ||
	    sparse_store_pwrite(store, bytes, 4096 + 1000, 19 * 4096) < 0)
		abort();
	sparse_store_close(store);
	fd = open(blocks_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_text(fd, &good, &good_len, 1 << 20) < 0)
		abort();
	close(fd);
}

static void check_store(struct sparse_store *store)
{
	uint64_t n = 0;
	uint8_t byte;

	for (uint64_t i = 0; i < STORE_N_BLOCKS; i++) {
		uint64_t next = sparse_store_find(store, i, true);
		uint64_t gap = sparse_store_find(store, i, false);

		if (next < i || gap < i || next > STORE_N_BLOCKS || gap > STORE_N_BLOCKS ||
		    (next == i) == (gap == i))
			abort();
		n += next == i;
		if (next == i && sparse_store_pread(store, &byte, 1, i * 4096) < 0)
			abort();
	}
	if (n != sparse_store_n_blocks(store) ||
	    sparse_store_find(store, STORE_N_BLOCKS, true) != STORE_N_BLOCKS)
		abort();
}

/* The bytes of a good file, changed where @data is not zero, and cut to its length. */
static void try_store(const uint8_t *data, size_t size)
{
	uint8_t *bytes = calloc(1, size ? size : 1);
	struct sparse_store *store = NULL;
	struct bmap_error err = {0};
	int fd, r;

	if (!folder[0])
		make_store();
	memcpy(bytes, good, MIN(size, good_len));
	for (size_t i = 0; i < size; i++)
		bytes[i] ^= data[i];
	fd = open(blocks_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || fd_write_full(fd, bytes, size) < 0)
		abort();
	close(fd);
	free(bytes);
	r = sparse_store_open(&store, store_path, blocks_path, &store_options, &err);
	check_failure(r, &err);
	if (r == 0)
		check_store(store);
	sparse_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int kind = size ? data[0] % N_KINDS : 0;
	const struct codec *codec;

	if (size < 2) /* the second byte: what is known of the image's size */
		return 0;
	if (kind == GZIDX) {
		try_gzidx(data + 2, size - 2);
	} else if (kind == STORE) {
		try_store(data + 2, size - 2);
	} else if (kind == KEPT) {
		try_kept(data + 2, size - 2);
	} else {
		codec = codec_by_name(names[kind]);
		if (codec)
			try_codec(codec, data + 2, size - 2,
				  data[1] ? data[1] * UINT64_C(1000) : PIECE_LEN_UNKNOWN);
	}
	return 0;
}
