/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <unistd.h>

#include "image/piece_queue.h"
#include "unit.h"

#define BUFFER_LEN 8192
#define N_BUFFERS  16
#define N_PIECES   400 /* more than may wait at once */

struct feed {
	struct piece_queue *queue;
	struct buffer_pool *encoded, *decoded;
	const struct bytes *pieces;
	size_t n, image_len, skip_every; /* 0: none is skipped */
	struct bmap_error err;           /* given to the queue at the end */
};

static struct feed feed_new(const char *codec, unsigned int n_threads)
{
	static const struct archive_choice choice;
	struct feed feed = {0};
	struct bmap_error err = {0};

	feed.encoded = buffer_pool_new(4, BUFFER_LEN);
	feed.decoded = buffer_pool_new(N_BUFFERS, BUFFER_LEN);
	OK(piece_queue_new(&feed.queue, codec ? codec_by_name(codec) : NULL, &choice, 64 << 20,
			   n_threads, feed.decoded, N_BUFFERS, 4, &err));
	return feed;
}

static void feed_fini(struct feed *feed)
{
	piece_queue_free(feed->queue);
	buffer_pool_free(feed->encoded);
	buffer_pool_free(feed->decoded);
}

static bool feed_piece(struct feed *feed, size_t i)
{
	struct bytes in = feed->pieces[i];
	bool skip = feed->skip_every && i % feed->skip_every == 0;
	struct piece piece = {.image_len_bytes = feed->image_len};

	if (!piece_queue_begin(feed->queue, &piece, skip))
		return false;
	for (size_t at = 0; !skip && at < in.len; at += BUFFER_LEN) {
		struct buffer *buffer = buffer_pool_get(feed->encoded);
		size_t len = MIN(in.len - at, (size_t)BUFFER_LEN);
		bool added;

		if (!buffer)
			return false;
		memcpy(buffer_data(buffer), in.data + at, len);
		added = piece_queue_add(feed->queue, buffer, buffer_data(buffer), len);
		buffer_unref(buffer);
		if (!added)
			return false;
	}
	if (!skip)
		piece_queue_end(feed->queue, 0);
	return true;
}

static void *feeder(void *opaque)
{
	struct feed *feed = opaque;

	for (size_t i = 0; i < feed->n && feed_piece(feed, i); i++)
		;
	piece_queue_finish(feed->queue, &feed->err);
	return NULL;
}

static struct bytes content(size_t i, size_t len)
{
	return bytes_random(len, (unsigned int)i + 1);
}

START_TEST(pieces_leave_in_their_order)
{
	struct bytes pieces[N_PIECES];
	const size_t len = 20000;

	if (!codec_or_note("zstd"))
		return;
	for (size_t i = 0; i < N_PIECES; i++)
		pieces[i] = encode("zstd", content(i, len));
	for (size_t skip_every = 0; skip_every < 5; skip_every += 2) {
		struct feed feed = feed_new("zstd", 4);
		struct bytes image = bytes_zeros(N_PIECES * len);
		struct bmap_error err = {0};
		struct chunk chunk;
		pthread_t thread;
		int r;

		feed.pieces = pieces;
		feed.n = N_PIECES;
		feed.image_len = len;
		feed.skip_every = skip_every;
		pthread_create(&thread, NULL, feeder, &feed);
		while ((r = piece_queue_next(feed.queue, &chunk, &err)) == 1) {
			memcpy(image.data + chunk.offset_bytes, chunk.data, chunk.len);
			ck_assert_uint_eq(piece_queue_position(feed.queue),
					  chunk.offset_bytes + chunk.len);
			chunk_fini(&chunk);
		}
		OK(r);
		pthread_join(thread, NULL);
		ck_assert_uint_eq(piece_queue_position(feed.queue), image.len);
		for (size_t i = 0; i < N_PIECES; i++)
			ASSERT_BYTES(bytes_part(image, i * len, len),
				     skip_every && i % skip_every == 0 ? bytes_zeros(len)
								       : content(i, len));
		feed_fini(&feed);
	}
}
END_TEST

/* What comes before the bad piece comes out, and then its error. */
START_TEST(the_first_failure_in_the_images_order_is_reported)
{
	struct bytes pieces[10];
	struct feed feed;
	struct bmap_error err = {0};
	struct chunk chunk;
	pthread_t thread;
	size_t made = 0;
	int r;

	if (!codec_or_note("zstd"))
		return;
	for (size_t i = 0; i < 10; i++)
		pieces[i] = encode("zstd", content(i, 20000));
	pieces[9].len = 3;
	pieces[6].data[1000] ^= 0xff;
	feed = feed_new("zstd", 4);
	feed.pieces = pieces;
	feed.n = 10;
	feed.image_len = 20000;
	bmap_error_set(&feed.err, EIO, "the feeder's own");
	pthread_create(&thread, NULL, feeder, &feed);
	while ((r = piece_queue_next(feed.queue, &chunk, &err)) == 1) {
		made += chunk.len;
		chunk_fini(&chunk);
	}
	FAILS(r, EBADMSG, "the zstd data does not decode");
	ck_assert_uint_ge(made, 6 * 20000);
	piece_queue_stop(feed.queue);
	buffer_pool_close(feed.encoded);
	pthread_join(thread, NULL);
	feed_fini(&feed);
}
END_TEST

START_TEST(a_piece_of_another_length_than_stated_is_an_error)
{
	struct bytes piece = encode("gzip", content(1, 1000));
	struct feed feed = feed_new("gzip", 1);
	struct bmap_error err = {0};
	struct chunk chunk;
	int r;

	feed.pieces = &piece;
	feed.n = 1;
	feed.image_len = 999;
	feeder(&feed);
	while ((r = piece_queue_next(feed.queue, &chunk, &err)) == 1)
		chunk_fini(&chunk);
	FAILS(r, EBADMSG, "the gzip data does not decode to the length that it states");
	feed_fini(&feed);
}
END_TEST

START_TEST(the_feeders_failure_comes_after_what_was_fed)
{
	struct bytes piece = encode("gzip", content(1, 1000));
	struct feed feed = feed_new("gzip", 2);
	struct bmap_error err = {0};
	struct chunk chunk;

	feed.pieces = &piece;
	feed.n = 1;
	feed.image_len = 1000;
	bmap_error_set(&feed.err, EIO, "the feeder's own");
	feeder(&feed);
	ck_assert_int_eq(piece_queue_next(feed.queue, &chunk, &err), 1);
	ck_assert_uint_eq(chunk.len, 1000);
	chunk_fini(&chunk);
	FAILS(piece_queue_next(feed.queue, &chunk, &err), EIO, "the feeder's own");
	feed_fini(&feed);
}
END_TEST

START_TEST(raw_bytes_keep_their_place)
{
	struct feed feed = feed_new(NULL, 0);
	struct bmap_error err = {0};
	struct chunk chunk;

	for (uint64_t i = 0; i < 3; i++) {
		struct buffer *buffer = buffer_pool_get(feed.decoded);

		memset(buffer_data(buffer), (int)i, 100);
		ck_assert(piece_queue_add_raw(feed.queue, buffer, 100, 1000 * i));
	}
	piece_queue_finish(feed.queue, &err);
	for (uint64_t i = 0; i < 3; i++) {
		ck_assert_int_eq(piece_queue_next(feed.queue, &chunk, &err), 1);
		ck_assert_uint_eq(chunk.offset_bytes, 1000 * i);
		ck_assert_uint_eq(chunk.len, 100);
		ck_assert_uint_eq(chunk.data[99], i);
		chunk_fini(&chunk);
	}
	ck_assert_int_eq(piece_queue_next(feed.queue, &chunk, &err), 0);
	feed_fini(&feed);
}
END_TEST

static void *stop_soon(void *opaque)
{
	usleep(20000);
	piece_queue_stop(opaque);
	return NULL;
}

START_TEST(stopping_ends_all_waiting)
{
	struct feed feed = feed_new("gzip", 2);
	struct piece piece = {.is_rest = true, .image_len_bytes = UINT64_MAX};
	struct bmap_error err = {0};
	struct chunk chunk;
	pthread_t stopper;

	ck_assert(piece_queue_begin(feed.queue, &piece, false));
	pthread_create(&stopper, NULL, stop_soon, feed.queue);
	FAILS(piece_queue_next(feed.queue, &chunk, &err), ECANCELED, "cancelled");
	pthread_join(stopper, NULL);
	ck_assert(!piece_queue_begin(feed.queue, &piece, false));
	feed_fini(&feed);
	piece_queue_free(NULL);
}
END_TEST

UNIT_MAIN("piece_queue", pieces_leave_in_their_order,
	  the_first_failure_in_the_images_order_is_reported,
	  a_piece_of_another_length_than_stated_is_an_error,
	  the_feeders_failure_comes_after_what_was_fed, raw_bytes_keep_their_place,
	  stopping_ends_all_waiting)
