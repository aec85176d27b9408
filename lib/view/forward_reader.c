/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/queue.h"
#include "base/thread.h"
#include "codec/decoder_ops.h"
#include "image/image_reader.h"
#include "view/forward_reader.h"

#define IN_LEN  (64 << 10)
#define OUT_LEN (256 << 10)
/* One is decoded, one shown, and two wait. */
#define N_PORTIONS 4

/* Decoded bytes, on their way from the thread that decodes. */
struct portion {
	uint8_t *data; /* of reader->out; NULL: none */
	size_t len;
	uint64_t offset_bytes;
};

struct forward_reader {
	struct bmap_image *image;
	struct image_reader *reader; /* NULL: it is gzip */
	struct chunk chunk;

	/*
	 * gzip: a thread decodes, so that who takes the bytes may write and hash the last ones
	 * meanwhile.  What it leaves behind is valid once @filled is closed and empty.
	 */
	struct source *source;
	struct gzip_stream *stream;
	struct gzip_index_maker maker;
	uint64_t encoded_bytes, image_bytes; /* how far it has come */
	struct decoder_io io;
	bool is_over;
	struct bmap_error err;
	uint8_t *in, *out;
	struct queue *empty, *filled; /* of portions */
	struct portion shown;
	pthread_t thread;
	bool has_thread;
};

/* Decodes until there is something to show, or the file is over. */
static int decode_portion(struct forward_reader *reader, struct portion *portion,
			  struct bmap_error *err)
{
	struct decoder_io *io = &reader->io;

	io->out = portion->data;
	io->out_left = OUT_LEN;
	while (!reader->is_over && io->out_left == OUT_LEN) {
		int r;

		if (io->in_left == 0 && !io->in_end) {
			ssize_t n = source_pread_some(reader->source, reader->in, IN_LEN,
						      reader->encoded_bytes, err);

			if (n < 0)
				return (int)n;
			io->in = reader->in;
			io->in_left = (size_t)n;
			io->in_end = n == 0;
			reader->encoded_bytes += (uint64_t)n;
		}
		r = gzip_stream_run(reader->stream, io, gzip_index_take_border, &reader->maker,
				    err);
		if (r < 0)
			return bmap_error_prefix(err, "image file '%s'",
						 bmap_image_name(reader->image));
		reader->is_over = r == 1;
	}
	portion->len = OUT_LEN - io->out_left;
	portion->offset_bytes = reader->image_bytes;
	reader->image_bytes += portion->len;
	return 0;
}

static void *decode_thread(void *opaque)
{
	struct forward_reader *reader = opaque;
	struct portion portion;

	while (!reader->is_over && queue_pop(reader->empty, &portion)) {
		int r = decode_portion(reader, &portion, &reader->err);

		/* What came before an error is good. */
		if (r < 0 || (portion.len && !queue_push(reader->filled, &portion)))
			break;
	}
	queue_close(reader->filled);
	return NULL;
}

static int open_gzip(struct forward_reader *reader, const struct forward_options *options,
		     struct bmap_error *err)
{
	const struct piece *from = options->from;
	int r;

	reader->in = malloc(IN_LEN);
	reader->out = malloc((size_t)N_PORTIONS * OUT_LEN);
	reader->empty = queue_new(N_PORTIONS, sizeof(struct portion));
	reader->filled = queue_new(N_PORTIONS, sizeof(struct portion));
	if (!reader->in || !reader->out || !reader->empty || !reader->filled)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (gzip_stream_new(&reader->stream, err) < 0)
		return -err->code;
	gzip_stream_start(reader->stream, from);
	gzip_stream_want_border(reader->stream, 0);
	reader->source = image_source(reader->image);
	reader->encoded_bytes = from ? from->encoded_offset_bytes : 0;
	reader->image_bytes = from ? from->image_offset_bytes : 0;
	reader->maker.index = options->checkpoints;
	reader->maker.stream = reader->stream;
	for (size_t i = 0; i < N_PORTIONS; i++)
		queue_push(reader->empty, &(struct portion){.data = reader->out + i * OUT_LEN});
	r = thread_start(&reader->thread, decode_thread, reader);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot start a thread");
	reader->has_thread = true;
	return 0;
}

static void close_gzip(struct forward_reader *reader)
{
	if (reader->has_thread) {
		queue_close(reader->empty);
		queue_close(reader->filled);
		pthread_join(reader->thread, NULL);
	}
	queue_free(reader->empty);
	queue_free(reader->filled);
	gzip_stream_free(reader->stream);
	free(reader->in);
	free(reader->out);
}

int forward_reader_open(struct forward_reader **reader_out, struct bmap_image *image,
			const struct forward_options *options, struct bmap_error *err)
{
	struct forward_reader *reader = calloc(1, sizeof(*reader));
	const struct image_reader_options all = {
		.wanted = options->map,
		.learned = options->learned,
	};
	int r;

	if (!reader)
		return bmap_error_set(err, ENOMEM, "out of memory");
	reader->image = image;
	if (options->checkpoints && image_is_gzip(image))
		r = open_gzip(reader, options, err);
	else
		r = image_reader_open(&reader->reader, image, &all, err);
	if (r < 0) {
		forward_reader_close(reader);
		return -err->code;
	}
	*reader_out = reader;
	return 0;
}

void forward_reader_close(struct forward_reader *reader)
{
	if (!reader)
		return;
	chunk_fini(&reader->chunk);
	image_reader_close(reader->reader);
	close_gzip(reader);
	free(reader);
}

static int next_of_gzip(struct forward_reader *reader, const uint8_t **data, size_t *len,
			uint64_t *offset_bytes, struct bmap_error *err)
{
	if (reader->shown.data)
		queue_push(reader->empty, &reader->shown);
	reader->shown = (struct portion){0};
	if (queue_pop(reader->filled, &reader->shown)) {
		*data = reader->shown.data;
		*len = reader->shown.len;
		*offset_bytes = reader->shown.offset_bytes;
		return 1;
	}
	if (reader->err.code) {
		*err = reader->err;
		return -err->code;
	}
	if (!reader->is_over)
		return bmap_error_set(err, ECANCELED, "cancelled");
	*offset_bytes = reader->image_bytes;
	return 0;
}

int forward_reader_next(struct forward_reader *reader, const uint8_t **data, size_t *len,
			uint64_t *offset_bytes, struct bmap_error *err)
{
	int r;

	if (!reader->reader)
		return next_of_gzip(reader, data, len, offset_bytes, err);
	chunk_fini(&reader->chunk);
	r = image_reader_next(reader->reader, &reader->chunk, err);
	*data = reader->chunk.data;
	*len = reader->chunk.len;
	*offset_bytes =
		r == 0 ? image_reader_image_size(reader->reader) : reader->chunk.offset_bytes;
	return r;
}

uint64_t forward_reader_encoded_bytes(const struct forward_reader *reader)
{
	return reader->encoded_bytes;
}

void forward_reader_cancel(struct forward_reader *reader)
{
	if (reader->reader) {
		image_reader_cancel(reader->reader);
	} else {
		source_cancel(reader->source);
		queue_close(reader->empty);
	}
}
