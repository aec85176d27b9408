/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "codec/piece.h"
#include "image/piece_queue.h"

/* A decoder that took more than this for a piece does not keep it for the next. */
#define SMALL_WINDOW (16 << 20)
/* Pieces may be tiny; so many of them wait at most. */
#define MAX_JOBS 256

struct node {
	struct node *next;
	struct chunk chunk;
};

struct list {
	struct node *first, *last;
};

/* A piece in flight.  All fields are guarded by the queue's lock but where noted. */
struct job {
	struct job *next;
	struct piece piece; /* constant for the decoder until in_done */
	bool skipped, is_raw;
	struct list in;
	bool in_done;
	struct list out;
	bool out_done;
	size_t n_ahead;        /* buffers that it holds of those for younger pieces */
	uint64_t window_bytes; /* that it has reserved */
	uint64_t made_bytes;   /* of the decoder alone */
	struct bmap_error err; /* of the decoder alone until out_done */
};

struct piece_queue {
	const struct codec *codec;
	struct archive_choice choice;
	uint64_t decoder_memory_bytes;
	struct buffer_pool *pool;
	size_t max_ahead;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, *last;     /* guarded by lock; the first is the oldest */
	struct job *untaken;          /* guarded by lock; the first that no decoder has */
	size_t n_jobs, n_ahead;       /* guarded by lock */
	uint64_t window_bytes;        /* guarded by lock; what the decoders take together */
	bool finished, stopped;       /* guarded by lock */
	struct bmap_error feeder_err; /* guarded by lock */
	uint64_t position_bytes;      /* of the consumer */
	struct piece_index *learned;  /* of the consumer; NULL: nobody wants to know */

	size_t n_threads;
	pthread_t threads[];
};

static bool list_add(struct list *list, const struct chunk *chunk)
{
	struct node *node = malloc(sizeof(*node));

	if (!node)
		return false;
	*node = (struct node){.chunk = *chunk};
	if (list->last)
		list->last->next = node;
	else
		list->first = node;
	list->last = node;
	return true;
}

static bool list_take(struct list *list, struct chunk *chunk)
{
	struct node *node = list->first;

	if (!node)
		return false;
	*chunk = node->chunk;
	list->first = node->next;
	if (!list->first)
		list->last = NULL;
	free(node);
	return true;
}

static void list_clear(struct list *list)
{
	struct chunk chunk;

	while (list_take(list, &chunk))
		chunk_fini(&chunk);
}

void chunk_fini(struct chunk *chunk)
{
	buffer_unref(chunk->buffer);
	*chunk = (struct chunk){0};
}

/* ---- decoders ---- */

/* The next encoded bytes of the job.  false: the queue was stopped. */
static bool next_input(struct piece_queue *queue, struct job *job, struct chunk *in, bool *end)
{
	LOCKED(&queue->lock);

	while (!job->in.first && !job->in_done && !queue->stopped)
		pthread_cond_wait(&queue->changed, &queue->lock);
	if (queue->stopped)
		return false;
	if (!list_take(&job->in, in))
		*in = (struct chunk){0};
	*end = job->in_done && !job->in.first;
	return true;
}

/* A buffer for the job's output; younger jobs wait until there are enough.  NULL: stopped. */
static struct buffer *next_output(struct piece_queue *queue, struct job *job)
{
	pthread_mutex_lock(&queue->lock);
	while (job != queue->first && queue->n_ahead >= queue->max_ahead && !queue->stopped)
		pthread_cond_wait(&queue->changed, &queue->lock);
	if (job != queue->first) {
		queue->n_ahead++;
		job->n_ahead++;
	}
	pthread_mutex_unlock(&queue->lock);
	return buffer_pool_get(queue->pool);
}

/* false: memory ran out. */
static bool give_output(struct piece_queue *queue, struct job *job, struct chunk *out)
{
	LOCKED(&queue->lock);

	if (!list_add(&job->out, out))
		return false;
	*out = (struct chunk){0};
	pthread_cond_broadcast(&queue->changed);
	return true;
}

/* Hands on what is in @out, and makes room for more. */
static int turn_output(struct piece_queue *queue, struct job *job, struct chunk *out,
		       struct decoder_io *io, bool want_more)
{
	out->len = out->buffer ? buffer_pool_buffer_size(queue->pool) - io->out_left : 0;
	job->made_bytes += out->len;
	if (out->len && !give_output(queue, job, out))
		return bmap_error_set(&job->err, ENOMEM, "out of memory");
	if (!want_more)
		return 0;
	if (!out->buffer) {
		out->buffer = next_output(queue, job);
		if (!out->buffer)
			return buffer_pool_failure(queue->pool, &job->err);
	}
	out->data = buffer_data(out->buffer);
	io->out = buffer_data(out->buffer);
	io->out_left = buffer_pool_buffer_size(queue->pool);
	return 0;
}

static int decode_job(struct piece_queue *queue, struct job *job, struct decoder *decoder,
		      struct chunk *in, struct chunk *out)
{
	struct decoder_io io = {0};
	int r = decoder_start(decoder, &job->piece, &job->err);

	while (r == 0) {
		if (io.in_left == 0 && !io.in_end) {
			chunk_fini(in);
			if (!next_input(queue, job, in, &io.in_end))
				return bmap_error_set(&job->err, ECANCELED, "cancelled");
			io.in = in->data;
			io.in_left = in->len;
		}
		if (io.out_left == 0 && turn_output(queue, job, out, &io, true) < 0)
			return -job->err.code;
		r = decoder_run(decoder, &io, &job->err);
	}
	if (r == 1)
		r = turn_output(queue, job, out, &io, false);
	if (r == 0 && job->piece.image_len_bytes != PIECE_LEN_UNKNOWN &&
	    job->piece.image_len_bytes != job->made_bytes)
		r = bmap_error_set(&job->err, EBADMSG,
				   "the %s data does not decode to the length that it states",
				   codec_name(queue->codec));
	return r;
}

static struct job *take_job(struct piece_queue *queue)
{
	LOCKED(&queue->lock);
	struct job *job;

	while (!queue->untaken && !queue->finished && !queue->stopped)
		pthread_cond_wait(&queue->changed, &queue->lock);
	job = queue->stopped ? NULL : queue->untaken;
	if (job) {
		queue->untaken = job->next;
		while (queue->untaken && queue->untaken->out_done)
			queue->untaken = queue->untaken->next;
	}
	return job;
}

/* Waits until the piece's window fits beside the others, or the piece is the oldest. */
static void reserve_window(struct piece_queue *queue, struct job *job)
{
	LOCKED(&queue->lock);

	while (job != queue->first && !queue->stopped &&
	       job->piece.window_bytes > queue->decoder_memory_bytes - queue->window_bytes)
		pthread_cond_wait(&queue->changed, &queue->lock);
	/* The oldest goes on in any case, with as much as one decoder may have. */
	job->window_bytes =
		MIN(job->piece.window_bytes, queue->decoder_memory_bytes - queue->window_bytes);
	queue->window_bytes += job->window_bytes;
}

static void finish_job(struct piece_queue *queue, struct job *job)
{
	LOCKED(&queue->lock);

	queue->window_bytes -= job->window_bytes;
	job->out_done = true;
	pthread_cond_broadcast(&queue->changed);
}

static void *decoder_thread(void *opaque)
{
	struct piece_queue *queue = opaque;
	CLEANUP(decoder_freep) struct decoder *decoder = NULL;
	struct job *job;

	while ((job = take_job(queue))) {
		struct chunk in = {0}, out = {0};
		bool is_large = job->piece.window_bytes > SMALL_WINDOW;

		reserve_window(queue, job);
		if (decoder || decoder_new(&decoder, queue->codec, queue->decoder_memory_bytes,
					   &job->err) == 0) {
			decoder_choose(decoder, &queue->choice);
			/* What went wrong stands in the job, for the consumer. */
			(void)!decode_job(queue, job, decoder, &in, &out);
		}
		chunk_fini(&in);
		chunk_fini(&out);
		if (is_large) {
			decoder_free(decoder);
			decoder = NULL;
		}
		finish_job(queue, job);
	}
	return NULL;
}

/* ---- the queue ---- */

int piece_queue_new(struct piece_queue **queue_out, const struct codec *codec,
		    const struct archive_choice *choice, uint64_t decoder_memory_bytes,
		    unsigned int n_threads, struct buffer_pool *pool, size_t n_buffers,
		    size_t n_reserved, struct bmap_error *err)
{
	struct piece_queue *queue = calloc(1, sizeof(*queue) + n_threads * sizeof(pthread_t));

	if (!queue)
		return bmap_error_set(err, ENOMEM, "out of memory");
	queue->codec = codec;
	queue->choice = *choice;
	queue->decoder_memory_bytes = decoder_memory_bytes;
	queue->pool = pool;
	queue->max_ahead = n_buffers > n_reserved ? n_buffers - n_reserved : 0;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	for (; queue->n_threads < n_threads; queue->n_threads++) {
		int r = thread_start(&queue->threads[queue->n_threads], decoder_thread, queue);

		if (r && queue->n_threads == 0) {
			piece_queue_free(queue);
			return bmap_error_set_system(err, -r, "cannot start a thread");
		}
		if (r)
			break; /* fewer threads do as well */
	}
	*queue_out = queue;
	return 0;
}

static void job_free(struct job *job)
{
	list_clear(&job->in);
	list_clear(&job->out);
	free(job);
}

void piece_queue_free(struct piece_queue *queue)
{
	if (!queue)
		return;
	piece_queue_stop(queue);
	for (size_t i = 0; i < queue->n_threads; i++)
		pthread_join(queue->threads[i], NULL);
	while (queue->first) {
		struct job *job = queue->first;

		queue->first = job->next;
		job_free(job);
	}
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

void piece_queue_stop(struct piece_queue *queue)
{
	LOCKED(&queue->lock);

	queue->stopped = true;
	buffer_pool_close(queue->pool);
	pthread_cond_broadcast(&queue->changed);
}

/* Appends a job; the lock is held. */
static void append_job(struct piece_queue *queue, struct job *job)
{
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
	queue->n_jobs++;
	if (!queue->untaken && !job->out_done)
		queue->untaken = job;
	pthread_cond_broadcast(&queue->changed);
}

bool piece_queue_begin(struct piece_queue *queue, const struct piece *piece, bool skipped)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return false;
	job->piece = *piece;
	job->piece.encoded_len_bytes = 0; /* it is counted */
	job->skipped = job->out_done = skipped;
	LOCKED(&queue->lock);
	while (queue->n_jobs >= MAX_JOBS && !queue->stopped)
		pthread_cond_wait(&queue->changed, &queue->lock);
	append_job(queue, job);
	return !queue->stopped;
}

bool piece_queue_add(struct piece_queue *queue, struct buffer *buffer, const uint8_t *data,
		     size_t len)
{
	struct chunk chunk = {.buffer = buffer, .data = data, .len = len};
	LOCKED(&queue->lock);

	if (queue->stopped)
		return false;
	buffer_ref(buffer);
	if (!list_add(&queue->last->in, &chunk)) {
		buffer_unref(buffer);
		return false;
	}
	queue->last->piece.encoded_len_bytes += len;
	pthread_cond_broadcast(&queue->changed);
	return true;
}

void piece_queue_end(struct piece_queue *queue, unsigned int n_last_bits)
{
	LOCKED(&queue->lock);

	queue->last->piece.n_last_bits = n_last_bits;
	queue->last->in_done = true;
	pthread_cond_broadcast(&queue->changed);
}

bool piece_queue_add_raw(struct piece_queue *queue, struct buffer *buffer, size_t len,
			 uint64_t offset_bytes)
{
	struct chunk chunk = {
		.buffer = buffer,
		.data = buffer_data(buffer),
		.len = len,
		.offset_bytes = offset_bytes,
	};
	LOCKED(&queue->lock);

	if (queue->stopped || (!queue->last && !queue->finished)) {
		struct job *job = queue->stopped ? NULL : calloc(1, sizeof(*job));

		if (!job) {
			buffer_unref(buffer);
			return false;
		}
		job->is_raw = true;
		append_job(queue, job);
		queue->untaken = NULL; /* no decoder takes it */
	}
	if (!list_add(&queue->last->out, &chunk)) {
		buffer_unref(buffer);
		return false;
	}
	pthread_cond_broadcast(&queue->changed);
	return true;
}

void piece_queue_finish(struct piece_queue *queue, const struct bmap_error *err)
{
	LOCKED(&queue->lock);

	queue->feeder_err = *err;
	queue->finished = true;
	if (queue->last) {
		queue->last->in_done = true;
		if (queue->last->is_raw)
			queue->last->out_done = true;
		/* A piece cut off by the feeder's failure fails for that reason. */
	}
	pthread_cond_broadcast(&queue->changed);
}

/* Removes the oldest job, which is done; the next one takes its place. */
static void drop_first(struct piece_queue *queue)
{
	struct job *job = queue->first;

	queue->first = job->next;
	if (!queue->first)
		queue->last = NULL;
	queue->n_jobs--;
	queue->n_ahead -= job->n_ahead;
	if (queue->first) {
		queue->n_ahead -= queue->first->n_ahead;
		queue->first->n_ahead = 0;
	}
	job_free(job);
	pthread_cond_broadcast(&queue->changed);
}

/* A piece whose length is known now.  What cannot be kept of them is of no use. */
static void learn(struct piece_queue *queue, const struct job *job)
{
	struct piece piece = job->piece;
	struct bmap_error err = {0};

	if (!queue->learned || job->is_raw)
		return;
	piece.image_len_bytes = job->skipped ? piece.image_len_bytes : job->made_bytes;
	if (!piece.is_rest && piece_index_add(queue->learned, &piece, &err) == 0)
		return;
	piece_index_fini(queue->learned);
	queue->learned = NULL;
}

void piece_queue_learn(struct piece_queue *queue, struct piece_index *index)
{
	queue->learned = index;
}

/* The oldest job is done: what does it leave?  0: go on with the next. */
static int take_result(struct piece_queue *queue, struct bmap_error *err)
{
	struct job *job = queue->first;

	if (job->err.code) {
		/* When the feeder failed inside this piece, that is the cause. */
		*err = queue->feeder_err.code && job == queue->last ? queue->feeder_err : job->err;
		return -err->code;
	}
	if (job->skipped &&
	    ckd_add(&queue->position_bytes, queue->position_bytes, job->piece.image_len_bytes))
		return bmap_error_set(err, EOVERFLOW, "the image is too large");
	learn(queue, job);
	drop_first(queue);
	return 0;
}

int piece_queue_next(struct piece_queue *queue, struct chunk *chunk, struct bmap_error *err)
{
	LOCKED(&queue->lock);

	for (;;) {
		struct job *job = queue->first;

		if (queue->stopped)
			return bmap_error_set(err, ECANCELED, "cancelled");
		if (job && list_take(&job->out, chunk)) {
			if (!job->is_raw)
				chunk->offset_bytes = queue->position_bytes;
			queue->position_bytes = chunk->offset_bytes + chunk->len;
			return 1;
		}
		if (job && job->out_done) {
			if (take_result(queue, err) < 0)
				return -err->code;
			continue;
		}
		if (!job && queue->finished) {
			*err = queue->feeder_err;
			return -err->code;
		}
		pthread_cond_wait(&queue->changed, &queue->lock);
	}
}

uint64_t piece_queue_position(const struct piece_queue *queue)
{
	return queue->position_bytes;
}
