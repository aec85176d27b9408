/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "codec/gzip_stream.h"

#define TRAILER_LEN 8
/* So far before a wanted border it is looked out for: ISA-L decodes up to 64 KiB in advance. */
#define BORDER_MARGIN_BYTES (96 << 10)

struct gzip_stream {
	struct inflater *inflater;
	enum {
		MEMBER,  /* the inflater reads header and trailer */
		RAW,     /* begun in the middle: deflate only */
		TRAILER, /* of such a member, passed over */
		BETWEEN  /* members */
	} at;
	const struct piece *resume; /* not NULL: its first bits are still to come */
	size_t trailer_left;
	uint64_t n_members, member_image_bytes; /* how many are over, where this one began */
	uint64_t encoded_bytes, image_bytes;    /* offsets of what comes next */
	uint64_t wanted_border_bytes;           /* in the image; UINT64_MAX: none */
	/* The end of the image so far, in a ring. */
	uint8_t window[GZIP_WINDOW_LEN];
	size_t window_len, window_end;
};

int gzip_stream_new(struct gzip_stream **stream_out, struct bmap_error *err)
{
	struct gzip_stream *stream = calloc(1, sizeof(*stream));

	if (stream)
		stream->inflater = inflater_new(true);
	if (!stream || !stream->inflater) {
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
	inflater_free(stream->inflater);
	free(stream);
}

void gzip_stream_start(struct gzip_stream *stream, const struct piece *piece)
{
	inflater_reset(stream->inflater);
	stream->at = piece ? RAW : MEMBER;
	stream->resume = piece;
	stream->n_members = 0;
	stream->encoded_bytes = piece ? piece->encoded_offset_bytes : 0;
	stream->image_bytes = piece ? piece->image_offset_bytes : 0;
	stream->member_image_bytes = stream->image_bytes;
	stream->wanted_border_bytes = UINT64_MAX;
	stream->window_len = 0;
	stream->window_end = 0;
	if (piece && piece->window) {
		memcpy(stream->window, piece->window, GZIP_WINDOW_LEN);
		stream->window_len = GZIP_WINDOW_LEN;
	}
}

void gzip_stream_want_border(struct gzip_stream *stream, uint64_t image_offset_bytes)
{
	stream->wanted_border_bytes = image_offset_bytes;
}

bool gzip_stream_window(const struct gzip_stream *stream, uint8_t *window)
{
	size_t end = stream->window_end, n_missing = GZIP_WINDOW_LEN - stream->window_len;

	if (stream->window_len == 0)
		return false;
	memcpy(window, stream->window + end, GZIP_WINDOW_LEN - end);
	memcpy(window + (GZIP_WINDOW_LEN - end), stream->window, end);
	/* Nothing refers to what would lie before the beginning of a member. */
	memset(window, 0, n_missing);
	return true;
}

static void note_output(struct gzip_stream *stream, const uint8_t *bytes, size_t len)
{
	size_t n = MIN(len, GZIP_WINDOW_LEN), first;

	stream->image_bytes += len;
	bytes += len - n;
	first = MIN(n, GZIP_WINDOW_LEN - stream->window_end);
	memcpy(stream->window + stream->window_end, bytes, first);
	memcpy(stream->window, bytes + first, n - first);
	stream->window_end = (stream->window_end + n) % GZIP_WINDOW_LEN;
	stream->window_len = MIN(stream->window_len + n, GZIP_WINDOW_LEN);
}

static void use_input(struct gzip_stream *stream, struct decoder_io *io, size_t n)
{
	io->in += n;
	io->in_left -= n;
	stream->encoded_bytes += n;
}

/* The first byte of a checkpoint may not be whole. */
static int resume(struct gzip_stream *stream, struct decoder_io *io, struct bmap_error *err)
{
	const struct piece *piece = stream->resume;
	unsigned int n_bits = piece->first_bit ? 8 - piece->first_bit : 0;

	if (inflater_resume(stream->inflater, piece->window, n_bits ? io->in[0] : 0, n_bits, err) <
	    0)
		return -err->code;
	if (n_bits)
		use_input(stream, io, 1);
	stream->resume = NULL;
	return 0;
}

static int tell_border(struct gzip_stream *stream, unsigned int bits_back, gzip_border_taker *take,
		       void *opaque, struct bmap_error *err)
{
	const struct gzip_border border = {
		.encoded_offset_bytes = stream->encoded_bytes - bits_back / 8,
		.n_bits = bits_back % 8,
		.image_offset_bytes = stream->image_bytes,
	};

	stream->wanted_border_bytes = UINT64_MAX;
	return take(opaque, &border, err);
}

/* The data of a member.  It is over when stream->at has changed. */
static int run_member(struct gzip_stream *stream, struct decoder_io *io, gzip_border_taker *take,
		      void *opaque, struct bmap_error *err)
{
	uint64_t near_border =
		stream->wanted_border_bytes - MIN(stream->wanted_border_bytes, BORDER_MARGIN_BYTES);
	struct decoder_io part = *io;
	unsigned int bits_back;
	uint8_t unread[INFLATER_MAX_UNREAD];
	int r;

	if (stream->resume) {
		if (io->in_left == 0)
			return 0;
		if (resume(stream, io, err) < 0)
			return -err->code;
		part = *io;
	}
	if (stream->image_bytes >= near_border) {
		r = inflater_run_to_border(stream->inflater, &part, &bits_back, err);
	} else {
		part.out_left = (size_t)MIN(io->out_left, near_border - stream->image_bytes);
		r = inflater_run(stream->inflater, &part, err);
	}
	if (r < 0)
		return stream->n_members > 0 && stream->at == MEMBER &&
				       stream->image_bytes == stream->member_image_bytes
			       ? bmap_error_set(err, EBADMSG,
						"the gzip data is followed by something else")
			       : r;
	note_output(stream, io->out, (size_t)(part.out - io->out));
	io->out_left -= (size_t)(part.out - io->out);
	io->out = part.out;
	use_input(stream, io, (size_t)(part.in - io->in));
	if (r == INFLATER_AT_BORDER && stream->image_bytes < stream->wanted_border_bytes)
		return 0;
	if (r == INFLATER_AT_BORDER)
		return tell_border(stream, bits_back, take, opaque, err);
	if (r == 0)
		return 0;
	stream->n_members++;
	stream->trailer_left = TRAILER_LEN;
	if (stream->at == RAW)
		stream->trailer_left -= inflater_unread(stream->inflater, unread);
	stream->at = stream->at == RAW ? TRAILER : BETWEEN;
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
			stream->trailer_left -= n;
			if (stream->trailer_left == 0)
				stream->at = BETWEEN;
			break;
		case BETWEEN:
			if (io->in_left == 0)
				return io->in_end;
			inflater_reset(stream->inflater);
			stream->member_image_bytes = stream->image_bytes;
			stream->window_len = 0;
			stream->window_end = 0;
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
