/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/checked.h"
#include "codec/gzip_stream.h"

#define RAW_DEFLATE (-15)
#define WITH_GZIP   (16 + 15)
#define TRAILER_LEN 8
/* z_stream.data_type after Z_BLOCK (zlib.h) */
#define AT_BORDER   128
#define IN_LAST     64
#define UNUSED_BITS 7

struct gzip_stream {
	z_stream zlib;
	enum {
		MEMBER,  /* zlib reads header and trailer */
		RAW,     /* begun in the middle: deflate only */
		TRAILER, /* of such a member, passed over */
		BETWEEN  /* members */
	} at;
	unsigned int first_bit; /* of the first byte; 0: it is used or whole */
	unsigned int trailer_left;
	uint64_t n_members;
	uint64_t encoded_bytes, image_bytes; /* offsets of what comes next */
};

int gzip_stream_new(struct gzip_stream **stream_out, struct bmap_error *err)
{
	struct gzip_stream *stream = calloc(1, sizeof(*stream));

	if (!stream || inflateInit2(&stream->zlib, WITH_GZIP) != Z_OK) {
		free(stream);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	*stream_out = stream;
	return 0;
}

void gzip_stream_free(struct gzip_stream *stream)
{
	if (!stream)
		return;
	inflateEnd(&stream->zlib);
	free(stream);
}

int gzip_stream_start(struct gzip_stream *stream, const struct piece *piece, struct bmap_error *err)
{
	int code = inflateReset2(&stream->zlib, piece ? RAW_DEFLATE : WITH_GZIP);

	if (code == Z_OK && piece && piece->window)
		code = inflateSetDictionary(&stream->zlib, piece->window, GZIP_WINDOW_LEN);
	if (code != Z_OK)
		return bmap_error_set(err, ENOMEM, "out of memory");
	stream->at = piece ? RAW : MEMBER;
	stream->first_bit = piece ? piece->first_bit : 0;
	stream->n_members = 0;
	stream->encoded_bytes = piece ? piece->encoded_offset_bytes : 0;
	stream->image_bytes = piece ? piece->image_offset_bytes : 0;
	return 0;
}

bool gzip_stream_window(struct gzip_stream *stream, uint8_t *window)
{
	uint8_t bytes[GZIP_WINDOW_LEN];
	uInt len = 0;

	if (inflateGetDictionary(&stream->zlib, bytes, &len) != Z_OK || len == 0)
		return false;
	/* Nothing refers to what would lie before the beginning of a member. */
	memset(window, 0, GZIP_WINDOW_LEN - len);
	memcpy(window + GZIP_WINDOW_LEN - len, bytes, len);
	return true;
}

static void use_input(struct gzip_stream *stream, struct decoder_io *io, size_t n)
{
	io->in += n;
	io->in_left -= n;
	stream->encoded_bytes += n;
}

/* The bits of a first byte that is not whole. */
static void prime(struct gzip_stream *stream, struct decoder_io *io)
{
	unsigned int n_bits = 8 - stream->first_bit;

	inflatePrime(&stream->zlib, (int)n_bits, io->in[0] >> stream->first_bit);
	stream->first_bit = 0;
	use_input(stream, io, 1);
}

/* One call of zlib.  Returns 1 at the end of the member. */
static int run_zlib(struct gzip_stream *stream, struct decoder_io *io, int flush,
		    struct bmap_error *err)
{
	z_stream *zlib = &stream->zlib;
	size_t in_len = MIN(io->in_left, UINT32_MAX), out_len = MIN(io->out_left, UINT32_MAX);
	size_t n_out;
	int code;

	zlib->next_in = (uint8_t *)io->in;
	zlib->avail_in = (uInt)in_len;
	zlib->next_out = io->out;
	zlib->avail_out = (uInt)out_len;
	code = inflate(zlib, flush);
	use_input(stream, io, in_len - zlib->avail_in);
	n_out = out_len - zlib->avail_out;
	io->out += n_out;
	io->out_left -= n_out;
	stream->image_bytes += n_out;
	if (code == Z_STREAM_END)
		return 1;
	if (code == Z_OK || code == Z_BUF_ERROR)
		return 0;
	if (stream->n_members > 0 && stream->at == MEMBER && zlib->total_out == 0)
		return bmap_error_set(err, EBADMSG, "the gzip data is followed by something else");
	return bmap_error_set(err, code == Z_MEM_ERROR ? ENOMEM : EBADMSG,
			      "the gzip data does not decode: %s",
			      zlib->msg ? zlib->msg : "it is damaged");
}

static int tell_border(struct gzip_stream *stream, gzip_border_taker *take, void *opaque,
		       struct bmap_error *err)
{
	const struct gzip_border border = {
		.encoded_offset_bytes = stream->encoded_bytes,
		.n_bits = (unsigned int)stream->zlib.data_type & UNUSED_BITS,
		.image_offset_bytes = stream->image_bytes,
	};

	return take(opaque, &border, err);
}

/* The data of a member.  It is over when stream->at has changed. */
static int run_member(struct gzip_stream *stream, struct decoder_io *io, gzip_border_taker *take,
		      void *opaque, struct bmap_error *err)
{
	int r;

	if (stream->first_bit) {
		if (io->in_left == 0)
			return 0;
		prime(stream, io);
	}
	r = run_zlib(stream, io, take ? Z_BLOCK : Z_NO_FLUSH, err);
	if (r < 0)
		return r;
	if (r == 1) {
		stream->n_members++;
		stream->trailer_left = stream->at == RAW ? TRAILER_LEN : 0;
		stream->at = stream->at == RAW ? TRAILER : BETWEEN;
		return 0;
	}
	if (take && (stream->zlib.data_type & AT_BORDER) && !(stream->zlib.data_type & IN_LAST))
		return tell_border(stream, take, opaque, err);
	return 0;
}

int gzip_stream_run(struct gzip_stream *stream, struct decoder_io *io, gzip_border_taker *take,
		    void *opaque, struct bmap_error *err)
{
	for (;;) {
		size_t in_left = io->in_left, out_left = io->out_left, n;
		int at = stream->at, r;

		switch (stream->at) {
		case TRAILER:
			n = MIN(io->in_left, stream->trailer_left);
			use_input(stream, io, n);
			stream->trailer_left -= (unsigned int)n;
			if (stream->trailer_left == 0)
				stream->at = BETWEEN;
			break;
		case BETWEEN:
			if (io->in_left == 0)
				return io->in_end;
			if (inflateReset2(&stream->zlib, WITH_GZIP) != Z_OK)
				return bmap_error_set(err, ENOMEM, "out of memory");
			stream->at = MEMBER;
			break;
		default:
			r = run_member(stream, io, take, opaque, err);
			if (r < 0)
				return r;
			break;
		}
		if ((int)stream->at != at || io->in_left != in_left || io->out_left != out_left)
			continue;
		if (io->out_left == 0 || (io->in_left == 0 && !io->in_end))
			return 0;
		return bmap_error_set(err, io->in_left ? EBADMSG : ENODATA, "the gzip data %s",
				      io->in_left ? "is damaged" : "ends early");
	}
}
