/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inflater.h by zlib. */
#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/checked.h"
#include "codec/inflater.h"

#define WINDOW_BITS 15
#define WITH_GZIP   16

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
	inflateReset(&inflater->stream);
}

int inflater_run(struct inflater *inflater, struct decoder_io *io, struct bmap_error *err)
{
	z_stream *stream = &inflater->stream;
	size_t in_len = MIN(io->in_left, UINT32_MAX), out_len = MIN(io->out_left, UINT32_MAX);
	int code;

	stream->next_in = (uint8_t *)io->in;
	stream->avail_in = (uInt)in_len;
	stream->next_out = io->out;
	stream->avail_out = (uInt)out_len;
	code = inflate(stream, Z_NO_FLUSH);
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
