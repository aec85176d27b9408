/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encoded data: the first byte chooses the codec, the rest is decoded as one stream and, cut by the
 * splitter, piece by piece.  Where both succeed both must make the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "codec/decoder.h"
#include "codec/splitter.h"
#include "fuzz.h"

#define MAX_MEMORY (16 << 20)
#define MAX_OUTPUT (4 << 20)
#define STEP       4099

static const char *const names[] = {"gzip", "xz", "zstd", "bzip2", "lz4", "lzop"};

/* What came out, as a number and a sum. */
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
	struct bmap_error err = {0};
	uint8_t *room = malloc(STEP);
	size_t at = 0;
	int r = decoder_start(decoder, piece, &err);

	while (r == 0 && output->n_bytes < MAX_OUTPUT) {
		size_t len = MIN((size_t)STEP, size - at);
		struct decoder_io io = {.in = data + at,
					.in_left = len,
					.in_end = at + len == size,
					.out = room,
					.out_left = STEP};

		r = decoder_run(decoder, &io, &err);
		add(output, room, STEP - io.out_left);
		at += len - io.in_left;
	}
	free(room);
	if (r < 0 && (err.code != -r || !err.message[0]))
		abort();
	return r == 0 ? -EFBIG : r;
}

/* A piece is decoded at its end, from the bytes handed out for it. */
static int decode_pieces(struct decoder *decoder, const struct codec *codec, const uint8_t *data,
			 size_t size, struct output *output)
{
	uint8_t *bytes = malloc(2 * size + 1); /* neighbours may share a byte */
	struct splitter *splitter = NULL;
	struct bmap_error err = {0};
	struct piece piece = {0};
	size_t at = 0, n_bytes = 0;
	bool open = false;
	int r = splitter_new(&splitter, codec, &err);

	while (r == 0) {
		struct split split;

		r = splitter_next(splitter, data + at, size - at, true, &split, &err);
		if (r < 0 || (split.n_used == 0 && !split.begins && !split.ends))
			break;
		if (split.begins) {
			piece = split.piece;
			n_bytes = 0;
			open = true;
		}
		if (split.n_bytes > size - at || split.n_used > size - at ||
		    n_bytes + split.n_bytes > 2 * size)
			abort();
		memcpy(bytes + n_bytes, data + at, split.n_bytes);
		n_bytes += split.n_bytes;
		at += split.n_used;
		if (split.ends) {
			piece.n_last_bits = split.n_last_bits;
			open = false;
			r = MIN(decode(decoder, &piece, bytes, n_bytes, output), 0);
		}
		if (piece.is_rest && at == size)
			break;
	}
	if (r == 0 && open)
		r = MIN(decode(decoder, &piece, bytes, n_bytes, output), 0);
	splitter_free(splitter);
	free(bytes);
	return r < 0 ? r : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct codec *codec = size ? codec_by_name(names[data[0] % ARRAY_SIZE(names)]) : NULL;
	struct output whole = {0}, pieces = {0};
	struct decoder *decoder = NULL;
	struct bmap_error err = {0};

	if (!codec)
		return 0;
	data++;
	size--;
	if (decoder_new(&decoder, codec, MAX_MEMORY, &err) < 0)
		abort();
	if (decode_pieces(decoder, codec, data, size, &pieces) == 1 &&
	    decode(decoder, NULL, data, size, &whole) == 1 &&
	    (whole.n_bytes != pieces.n_bytes || whole.sum != pieces.sum))
		abort();
	decoder_free(decoder);
	return 0;
}
