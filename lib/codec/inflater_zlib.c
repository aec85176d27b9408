/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inflater.h by zlib. */
#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/checked.h"
#include "codec/inflater.h"

#define WINDOW_BITS 15
#define WITH_GZIP   16
/* z_stream.data_type after Z_BLOCK (zlib.h) */
#define AT_BORDER   128
#define IN_LAST     64
#define UNUSED_BITS 7

struct inflater {
	z_stream stream;
	bool gzip;
};

struct inflater *inflater_new(bool gzip)
{
	struct inflater *inflater = calloc(1, sizeof(*inflater));

	if (!inflater)
		return NULL;
	inflater->gzip = gzip;
	if (inflateInit2(&inflater->stream, gzip ? WINDOW_BITS + WITH_GZIP : -WINDOW_BITS) !=
	    Z_OK) {
		free(inflater);
		return NULL;
	}
	return inflater;
}

void inflater_free(struct inflater *inflater)
{
	if (!inflater)
		return;
	inflateEnd(&inflater->stream);
	free(inflater);
}

void inflater_reset(struct inflater *inflater)
{
	/* What it needs was allocated at the beginning. */
	inflateReset2(&inflater->stream, inflater->gzip ? WINDOW_BITS + WITH_GZIP : -WINDOW_BITS);
}

int inflater_resume(struct inflater *inflater, const uint8_t *window, uint8_t byte,
		    unsigned int n_bits, struct bmap_error *err)
{
	z_stream *stream = &inflater->stream;

	if (inflateReset2(stream, -WINDOW_BITS) != Z_OK ||
	    (window && inflateSetDictionary(stream, window, INFLATER_WINDOW_LEN) != Z_OK) ||
	    (n_bits && inflatePrime(stream, (int)n_bits, byte >> (8 - n_bits)) != Z_OK))
		return bmap_error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int run(struct inflater *inflater, struct decoder_io *io, int flush, struct bmap_error *err)
{
	z_stream *stream = &inflater->stream;
	size_t in_len = MIN(io->in_left, UINT32_MAX), out_len = MIN(io->out_left, UINT32_MAX);
	int code;

	stream->next_in = (uint8_t *)io->in;
	stream->avail_in = (uInt)in_len;
	stream->next_out = io->out;
	stream->avail_out = (uInt)out_len;
	code = inflate(stream, flush);
	io->in += in_len - stream->avail_in;
	io->in_left -= in_len - stream->avail_in;
	io->out += out_len - stream->avail_out;
	io->out_left -= out_len - stream->avail_out;
	if (code == Z_STREAM_END)
		return 1;
	if (code == Z_OK || code == Z_BUF_ERROR)
		return 0;
	return bmap_error_set(
		err, code == Z_MEM_ERROR ? ENOMEM : EBADMSG, "the %s data does not decode: %s",
		inflater->gzip ? "gzip" : "deflate", stream->msg ? stream->msg : "it is damaged");
}

int inflater_run(struct inflater *inflater, struct decoder_io *io, struct bmap_error *err)
{
	return run(inflater, io, Z_NO_FLUSH, err);
}

int inflater_run_to_border(struct inflater *inflater, struct decoder_io *io,
			   unsigned int *bits_back, struct bmap_error *err)
{
	const z_stream *stream = &inflater->stream;
	int r = run(inflater, io, Z_BLOCK, err);

	if (r != 0 || !(stream->data_type & AT_BORDER) || (stream->data_type & IN_LAST))
		return r;
	*bits_back = (unsigned int)stream->data_type & UNUSED_BITS;
	return INFLATER_AT_BORDER;
}

size_t inflater_unread(const struct inflater *inflater, uint8_t *bytes)
{
	(void)inflater;
	(void)bytes;
	return 0; /* zlib stops where the member does */
}

uint32_t inflater_crc32(uint32_t crc, const void *data, size_t len)
{
	return (uint32_t)crc32_z(crc, data, len);
}
