/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image_reader.h: the thread that reads the source and cuts it into pieces, and the way out,
 * through a tar archive where there is one.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/processors.h"
#include "base/thread.h"
#include "bmap/log.h"
#include "codec/archive_tar.h"
#include "codec/decoder_ops.h"
#include "codec/piece_index.h"
#include "codec/splitter.h"
#include "image/image_reader.h"
#include "image/piece_queue.h"

/* The memory is cut into so many buffers at least, a quarter of them for encoded bytes. */
#define MIN_BUFFERS    48
#define MAX_BUFFER_LEN (1 << 20)
#define MIN_BUFFER_LEN (2 * SPLITTER_LOOKAHEAD)
#define MAX_THREADS    16

struct image_reader {
	struct bmap_image *image;
	struct image_reader_options options;
	struct buffer_pool *encoded, *decoded;
	struct piece_queue *queue;
	struct tar_reader *tar; /* NULL: there is none */
	struct chunk from_tar;  /* what it is working on */
	const uint8_t *tar_data;
	size_t tar_len;
	pthread_t feeder;
	bool has_feeder;
	bool is_over; /* of the consumer: the end was seen */
	atomic_bool cancelled;
	uint64_t image_size_bytes;
};

/* ---- the feeder ---- */

/* Is any block of the image's bytes [offset, offset + len) mapped? */
static bool is_wanted(const struct image_reader *reader, uint64_t offset, uint64_t len)
{
	const struct bmap *wanted = reader->options.wanted;
	uint64_t block_size, end;
	size_t i;

	if (!wanted || len == 0)
		return true;
	block_size = bmap_block_size_bytes(wanted);
	if (ckd_add(&end, offset, len))
		return true;
	i = bmap_find_range(wanted, offset / block_size);
	return i < bmap_n_ranges(wanted) &&
	       bmap_get_range(wanted, i, NULL, NULL).first_block * block_size < end;
}

/* Feeds the stretch of the source that is one piece. */
static int feed_indexed_piece(struct image_reader *reader, const struct piece *piece,
			      struct bmap_error *err)
{
	uint64_t done = 0;

	while (done < piece->encoded_len_bytes) {
		struct buffer *buffer = buffer_pool_get(reader->encoded);
		size_t len = (size_t)MIN(piece->encoded_len_bytes - done,
					 buffer_pool_buffer_size(reader->encoded));
		ssize_t n = -1;
		bool added;

		if (!buffer)
			return buffer_pool_failure(reader->encoded, err);
		n = source_pread(image_source(reader->image), buffer_data(buffer), len,
				 piece->encoded_offset_bytes + done, err);
		added = n > 0 &&
			piece_queue_add(reader->queue, buffer, buffer_data(buffer), (size_t)n);
		buffer_unref(buffer);
		if (n < 0)
			return (int)n;
		if ((size_t)n < len)
			return bmap_error_set(err, ENODATA, "'%s' ends early",
					      bmap_image_name(reader->image));
		if (!added)
			return bmap_error_set(err, ECANCELED, "cancelled");
		done += (size_t)n;
	}
	piece_queue_end(reader->queue, 0);
	return 0;
}

static int feed_index(struct image_reader *reader, const struct piece_index *index,
		      struct bmap_error *err)
{
	for (size_t i = 0; i < index->n_pieces; i++) {
		const struct piece *piece = &index->pieces[i];
		bool skip = reader->options.may_skip &&
			    !is_wanted(reader, piece->image_offset_bytes, piece->image_len_bytes);

		if (!piece_queue_begin(reader->queue, piece, skip))
			return bmap_error_set(err, ECANCELED, "cancelled");
		if (!skip && feed_indexed_piece(reader, piece, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Where the feeder stands while a splitter cuts its input. */
struct cutting {
	struct splitter *splitter;
	bool in_piece, skip;
	bool has_position; /* the lengths of all pieces so far were known */
	uint64_t position_bytes;
	uint64_t encoded_bytes; /* where the buffer that is cut begins in the source */
};

/* Acts on what the splitter says of the bytes at @data. */
static int apply_split(struct image_reader *reader, struct cutting *cutting, struct split *split,
		       struct buffer *buffer, const uint8_t *data, struct bmap_error *err)
{
	bool going_on = true;

	if (split->begins) {
		uint64_t len = split->piece.image_len_bytes;
		bool has_len = len != PIECE_LEN_UNKNOWN;

		cutting->skip = reader->options.may_skip && cutting->has_position && has_len &&
				!is_wanted(reader, cutting->position_bytes, len);
		cutting->has_position =
			cutting->has_position && has_len &&
			!ckd_add(&cutting->position_bytes, cutting->position_bytes, len);
		split->piece.encoded_offset_bytes =
			cutting->encoded_bytes + (size_t)(data - buffer_data(buffer));
		going_on = piece_queue_begin(reader->queue, &split->piece, cutting->skip);
	}
	if (going_on && split->n_bytes && !cutting->skip)
		going_on = piece_queue_add(reader->queue, buffer, data, split->n_bytes);
	if (going_on && split->ends && !cutting->skip)
		piece_queue_end(reader->queue, split->n_last_bits);
	return going_on ? 0 : bmap_error_set(err, ECANCELED, "cancelled");
}

/* Cuts what is in @buffer; *@rest bytes at its end are left for the next. */
static int cut_buffer(struct image_reader *reader, struct cutting *cutting, struct buffer *buffer,
		      size_t len, bool end, size_t *rest, struct bmap_error *err)
{
	const uint8_t *data = buffer_data(buffer);
	size_t at = 0;

	for (;;) {
		struct split split;

		if (splitter_next(cutting->splitter, data + at, len - at, end, &split, err) < 0 ||
		    apply_split(reader, cutting, &split, buffer, data + at, err) < 0)
			return -err->code;
		at += split.n_used;
		if (split.n_used == 0 && !split.begins && !split.ends)
			break;
		if (at == len && !end)
			break;
	}
	*rest = len - at;
	if (end && *rest)
		return bmap_error_set(err, EBADMSG, "the data ends inside of a header");
	return 0;
}

static int feed_stream(struct image_reader *reader, struct cutting *cutting, struct bmap_error *err)
{
	const size_t buffer_len = buffer_pool_buffer_size(reader->encoded);
	struct buffer *before = NULL; /* holds what the splitter has not used yet */
	uint64_t offset = 0;
	size_t rest = 0, len = 0;
	bool end = false;

	while (!end && err->code == 0) {
		struct buffer *buffer = buffer_pool_get(reader->encoded);
		ssize_t n;

		if (!buffer) {
			buffer_pool_failure(reader->encoded, err);
			break;
		}
		if (rest)
			memcpy(buffer_data(buffer), buffer_data(before) + len - rest, rest);
		buffer_unref(before);
		before = buffer;
		n = source_pread_some(image_source(reader->image), buffer_data(buffer) + rest,
				      buffer_len - rest, offset, err);
		if (n < 0)
			break;
		end = n == 0;
		offset += (size_t)n;
		len = rest + (size_t)n;
		cutting->encoded_bytes = offset - len;
		if (cut_buffer(reader, cutting, buffer, len, end, &rest, err) < 0)
			break;
	}
	buffer_unref(before);
	return -err->code;
}

/* Pieces by the index where the source has one, else by a splitter. */
static int feed_encoded(struct image_reader *reader, struct bmap_error *err)
{
	const struct codec *codec = image_codec(reader->image);
	struct source *source = image_source(reader->image);
	struct piece_index index = {0};
	struct cutting cutting = {.has_position = true};
	uint64_t local_offset;
	int r;

	/* The index of a remote file costs requests, and saves little of what must come anyway. */
	if (codec->has_own_index && source_local_fd(source, &local_offset) >= 0) {
		r = codec->index(source, PIECE_LEN_UNKNOWN, &index, err);
		if (r == 0)
			r = feed_index(reader, &index, err);
		piece_index_fini(&index);
		return r;
	}
	r = splitter_new(&cutting.splitter, codec, err);
	if (r == 0)
		r = feed_stream(reader, &cutting, err);
	splitter_free(cutting.splitter);
	return r;
}

/* Reads the wanted parts of a window of the image into its buffer. */
static int read_window(struct image_reader *reader, uint8_t *data, uint64_t offset, size_t len,
		       struct bmap_error *err)
{
	const struct bmap *wanted = reader->options.wanted;
	uint64_t block_size = wanted ? bmap_block_size_bytes(wanted) : 1;
	uint64_t end = offset + len;
	size_t i = wanted ? bmap_find_range(wanted, offset / block_size) : 0;

	if (reader->options.zero_holes)
		memset(data, 0, len);
	for (;; i++) {
		struct bmap_range range = {0, end};
		uint64_t first, last;
		ssize_t n;

		if (wanted && i == bmap_n_ranges(wanted))
			return 0;
		if (wanted)
			range = bmap_get_range(wanted, i, NULL, NULL);
		first = MAX(range.first_block * block_size, offset);
		last = MIN((range.first_block + range.n_blocks) * block_size, end);
		if (first >= end)
			return 0;
		n = source_pread(image_source(reader->image), data + (first - offset),
				 (size_t)(last - first), first, err);
		if (n < 0)
			return (int)n;
		if ((uint64_t)n < last - first)
			return bmap_error_set(err, ENODATA,
					      "'%s' ends early, at byte %" PRIu64 " of its blocks "
					      "%" PRIu64 "-%" PRIu64,
					      bmap_image_name(reader->image), first + (uint64_t)n,
					      range.first_block,
					      range.first_block + range.n_blocks - 1);
		if (last == end || !wanted)
			return 0;
	}
}

/* The next window that holds anything wanted from *@offset on.  false: there is none. */
static bool next_window(const struct image_reader *reader, uint64_t *offset, uint64_t size,
			size_t *len)
{
	const struct bmap *wanted = reader->options.wanted;
	uint64_t block_size, end;
	size_t i;

	end = size;
	if (wanted) {
		block_size = bmap_block_size_bytes(wanted);
		i = bmap_find_range(wanted, *offset / block_size);
		if (i == bmap_n_ranges(wanted))
			return false;
		*offset = MAX(*offset,
			      bmap_get_range(wanted, i, NULL, NULL).first_block * block_size);
	}
	if (*offset >= end)
		return false;
	*len = (size_t)MIN(end - *offset, buffer_pool_buffer_size(reader->decoded));
	return true;
}

/* Where the wanted bytes from @offset on end, but for gaps that a source would read over. */
static uint64_t end_of_run(const struct image_reader *reader, uint64_t offset, uint64_t size)
{
	const struct bmap *wanted = reader->options.wanted;
	uint64_t block_size, end;

	if (!wanted)
		return size;
	block_size = bmap_block_size_bytes(wanted);
	end = offset;
	for (size_t i = bmap_find_range(wanted, offset / block_size); i < bmap_n_ranges(wanted);
	     i++) {
		struct bmap_range range = bmap_get_range(wanted, i, NULL, NULL);

		if (range.first_block * block_size > end + SOURCE_SHORT_JUMP_BYTES)
			break;
		end = (range.first_block + range.n_blocks) * block_size;
	}
	return MIN(end, size);
}

/* An image that is its source, of known size: window by window, holes left out. */
static int feed_raw(struct image_reader *reader, uint64_t size, struct bmap_error *err)
{
	uint64_t offset = 0, run_end = 0;
	size_t len;

	while (next_window(reader, &offset, size, &len)) {
		struct buffer *buffer = buffer_pool_get(reader->decoded);

		if (offset >= run_end) {
			run_end = end_of_run(reader, offset, size);
			source_expect(image_source(reader->image), run_end);
		}
		if (!buffer)
			return buffer_pool_failure(reader->decoded, err);
		if (read_window(reader, buffer_data(buffer), offset, len, err) < 0) {
			buffer_unref(buffer);
			return -err->code;
		}
		if (!piece_queue_add_raw(reader->queue, buffer, len, offset))
			return bmap_error_set(err, ECANCELED, "cancelled");
		offset += len;
	}
	return 0;
}

/* The same where only the end of the source says how long it is. */
static int feed_raw_stream(struct image_reader *reader, struct bmap_error *err)
{
	const size_t buffer_len = buffer_pool_buffer_size(reader->decoded);
	uint64_t offset = 0;
	ssize_t n;

	do {
		struct buffer *buffer = buffer_pool_get(reader->decoded);

		if (!buffer)
			return buffer_pool_failure(reader->decoded, err);
		n = source_pread_some(image_source(reader->image), buffer_data(buffer), buffer_len,
				      offset, err);
		if (n <= 0) {
			buffer_unref(buffer);
			return (int)n;
		}
		if (!piece_queue_add_raw(reader->queue, buffer, (size_t)n, offset))
			return bmap_error_set(err, ECANCELED, "cancelled");
		offset += (size_t)n;
	} while (n > 0);
	return 0;
}

static void *feeder_thread(void *opaque)
{
	struct image_reader *reader = opaque;
	struct bmap_error err = {0};
	uint64_t size;
	int r;

	if (image_codec(reader->image))
		r = feed_encoded(reader, &err);
	else if (!reader->tar && bmap_image_size(reader->image, &size))
		r = feed_raw(reader, size, &err);
	else
		r = feed_raw_stream(reader, &err);
	if (r < 0)
		bmap_log(BMAP_LOG_DEBUG, "reading '%s' ended: %s", bmap_image_name(reader->image),
			 err.message);
	piece_queue_finish(reader->queue, &err);
	return NULL;
}

/* ---- the consumer ---- */

static unsigned int count_threads(const struct bmap_image *image)
{
	unsigned int n = image_options(image)->n_threads;

	if (!image_codec(image))
		return 0;
	if (n == 0)
		n = count_processors();
	return image_codec(image)->splitter ? MIN(n, MAX_THREADS) : 1;
}

static int start(struct image_reader *reader, struct bmap_error *err)
{
	struct bmap_image *image = reader->image;
	const uint64_t memory = image_options(image)->memory_bytes;
	const uint64_t buffer_len =
		ROUND_DOWN(MAX(MIN_BUFFER_LEN, MIN(MAX_BUFFER_LEN, memory / MIN_BUFFERS)), 4096);
	const size_t n_buffers = (size_t)MAX(MIN_BUFFERS, memory / buffer_len);
	const size_t n_encoded = n_buffers / 4, n_decoded = n_buffers - n_encoded;
	const struct archive_choice *choice = image_choice(image);
	int r;

	reader->encoded = buffer_pool_new(n_encoded, buffer_len);
	reader->decoded = buffer_pool_new(n_decoded, buffer_len);
	if (!reader->encoded || !reader->decoded)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (image_is_tar(image) &&
	    tar_reader_new(&reader->tar, choice->archive, choice->member, err) < 0)
		return -err->code;
	r = piece_queue_new(&reader->queue, image_codec(image), choice,
			    image_decoder_memory(image_options(image)), count_threads(image),
			    reader->decoded, n_decoded, IMAGE_READER_MAX_KEPT + 4, err);
	if (r < 0)
		return r;
	piece_queue_learn(reader->queue, reader->options.learned);
	r = thread_start(&reader->feeder, feeder_thread, reader);
	if (r)
		return bmap_error_set_system(err, -r, "cannot start a thread");
	reader->has_feeder = true;
	return 0;
}

int image_reader_open(struct image_reader **reader_out, struct bmap_image *image,
		      const struct image_reader_options *options, struct bmap_error *err)
{
	struct image_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return bmap_error_set(err, ENOMEM, "out of memory");
	reader->image = image;
	reader->options = *options;
	/* Where the image lies in a tar archive is not known before it is decoded. */
	if (image_is_tar(image)) {
		reader->options.wanted = NULL;
		reader->options.may_skip = false;
		reader->options.learned = NULL;
	}
	if (start(reader, err) < 0) {
		image_reader_close(reader);
		return -err->code;
	}
	*reader_out = reader;
	return 0;
}

/* The sentence says which image it is about. */
static int failed(struct image_reader *reader, struct bmap_error *err)
{
	char quoted[sizeof(err->message)];

	snprintf(quoted, sizeof(quoted), "'%s'", bmap_image_name(reader->image));
	if (err->code == ECANCELED || strstr(err->message, quoted))
		return -err->code;
	return bmap_error_prefix(err, "image file '%s'", bmap_image_name(reader->image));
}

/* The next bytes of the image inside the tar archive. */
static int next_from_tar(struct image_reader *reader, struct chunk *chunk, struct bmap_error *err)
{
	struct tar_span span;
	int r;

	for (;;) {
		if (reader->cancelled) /* the zeros of a hole may go on for long */
			return bmap_error_set(err, ECANCELED, "cancelled");
		r = tar_reader_feed(reader->tar, &reader->tar_data, &reader->tar_len, &span, err);
		if (r < 0)
			return r;
		if (r == 1) {
			*chunk = (struct chunk){
				.buffer =
					span.is_zeros ? NULL : buffer_ref(reader->from_tar.buffer),
				.data = span.data,
				.len = span.len,
				.offset_bytes = span.offset_bytes,
			};
			return 1;
		}
		chunk_fini(&reader->from_tar);
		r = piece_queue_next(reader->queue, &reader->from_tar, err);
		if (r < 0)
			return r;
		if (r == 0)
			return tar_reader_end(reader->tar, err);
		reader->tar_data = reader->from_tar.data;
		reader->tar_len = reader->from_tar.len;
	}
}

int image_reader_next(struct image_reader *reader, struct chunk *chunk, struct bmap_error *err)
{
	int r = reader->tar ? next_from_tar(reader, chunk, err)
			    : piece_queue_next(reader->queue, chunk, err);

	if (r < 0)
		return failed(reader, err);
	if (r == 0) {
		reader->is_over = true;
		if (reader->tar)
			reader->image_size_bytes = tar_reader_image_size(reader->tar);
		else if (image_codec(reader->image) ||
			 !bmap_image_size(reader->image, &reader->image_size_bytes))
			reader->image_size_bytes = piece_queue_position(reader->queue);
	}
	return r;
}

uint64_t image_reader_image_size(const struct image_reader *reader)
{
	return reader->image_size_bytes;
}

size_t image_reader_chunk_len(const struct image_reader *reader)
{
	return buffer_pool_buffer_size(reader->decoded);
}

const char *image_reader_map_inside(const struct image_reader *reader, size_t *len,
				    const char **name)
{
	return reader->tar ? tar_reader_map(reader->tar, len, name) : NULL;
}

void image_reader_cancel(struct image_reader *reader)
{
	reader->cancelled = true;
	source_cancel(image_source(reader->image));
	piece_queue_stop(reader->queue);
	buffer_pool_close(reader->encoded);
}

void image_reader_close(struct image_reader *reader)
{
	if (!reader)
		return;
	if (reader->queue && reader->has_feeder) {
		if (!reader->is_over)
			source_cancel(image_source(reader->image));
		piece_queue_stop(reader->queue);
		buffer_pool_close(reader->encoded);
		pthread_join(reader->feeder, NULL);
	}
	chunk_fini(&reader->from_tar);
	piece_queue_free(reader->queue);
	tar_reader_free(reader->tar);
	buffer_pool_free(reader->encoded);
	buffer_pool_free(reader->decoded);
	free(reader);
}
