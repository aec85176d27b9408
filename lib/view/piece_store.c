/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "codec/decoder.h"
#include "map/digest.h"
#include "view/mapped_file.h"
#include "view/piece_store.h"

/* A raw image is cut into pieces of this size: a random read of a remote one fetches no more. */
#define RAW_PIECE_BYTES (16 << 10)
/* Pieces whose encoded bytes touch are fetched together up to this size. */
#define RUN_BYTES (2 << 20)
#define MAX_RUN   128
#define MAX_RUNS  64 /* that wait */
/* Readers that read in order are told apart by where they are. */
#define MAX_STREAMS 8
/* A read so near to where the last one ended goes on with it: the kernel's read-ahead is shuffled.
 */
#define STREAM_GAP_BYTES (512 << 10)
/* So much in order, and more is decoded in advance. */
#define STREAM_MIN_BYTES (384 << 10)
#define MIN_AHEAD_BYTES  (4 << 20)
#define IN_LEN           (128 << 10)
#define OUT_LEN          (1 << 20)
#define CHECK_LEN        16

/* Who decodes: a decoder and the buffers it needs. */
struct worker_tools {
	struct worker_tools *next;
	struct decoder *decoder; /* NULL: without a codec */
	uint8_t *in;
	uint8_t *out; /* for pieces that go to the file; NULL: not needed yet */
};

/* Claimed pieces that follow each other, for one thread to decode. */
struct run {
	size_t n_pieces;
	struct cached_piece *pieces[MAX_RUN];
	uint64_t encoded_end_bytes;
	bool is_in_order; /* the reader will go on behind them */
};

/* A reader that reads in order. */
struct stream {
	uint64_t end_bytes, n_bytes, ahead_bytes, last_use;
};

/* A piece that is too large for memory, in the file. */
enum large_state { ABSENT, BUSY, PRESENT };

/* What store->kept says of a piece. */
enum { UNSEEN, SEEN, KEPT };

struct piece_store {
	struct piece_store_options options;
	struct piece_cache *cache;
	uint64_t max_piece_bytes; /* larger ones go to the file */
	struct digest_type *check_type;
	uint8_t (*checks)[CHECK_LEN]; /* of pieces as they were first seen; zeros: not yet */
	_Atomic uint8_t *kept;        /* of pieces that were decoded; NULL: without a codec */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker_tools *tools;         /* guarded by lock: those that nobody uses */
	unsigned int n_tools, max_tools;    /* guarded by lock */
	struct run *runs[MAX_RUNS];         /* guarded by lock: a ring */
	size_t first_run, n_runs;           /* guarded by lock */
	struct stream streams[MAX_STREAMS]; /* guarded by lock */
	uint64_t n_uses;                    /* guarded by lock */
	bool cancelled;                     /* guarded by lock */
	enum large_state *large;            /* guarded by lock: pieces in the file; NULL: no file */
	struct mapped_file file;            /* opened under lock */

	unsigned int n_threads;
	pthread_t threads[];
};

/* ---- pieces ---- */

size_t piece_store_n_pieces(const struct piece_store *store)
{
	return store->options.index
		       ? store->options.index->n_pieces
		       : (size_t)DIV_ROUND_UP(store->options.size_bytes, RAW_PIECE_BYTES);
}

static size_t find_piece(const struct piece_store *store, uint64_t offset_bytes)
{
	return store->options.index ? piece_index_find(store->options.index, offset_bytes)
				    : (size_t)(offset_bytes / RAW_PIECE_BYTES);
}

/* Where the last mapped byte of [offset, end) ends; @offset_bytes: none is mapped. */
static uint64_t mapped_end(const struct piece_store *store, uint64_t offset_bytes,
			   uint64_t end_bytes)
{
	const struct bmap *map = store->options.map;
	uint64_t block_size = map ? bmap_block_size_bytes(map) : 1;
	struct bmap_range range;
	size_t i;

	if (!map || end_bytes <= offset_bytes)
		return end_bytes;
	i = bmap_find_range(map, (end_bytes - 1) / block_size);
	if (i < bmap_n_ranges(map) &&
	    bmap_get_range(map, i, NULL, NULL).first_block * block_size < end_bytes)
		return end_bytes;
	if (i == 0)
		return offset_bytes;
	range = bmap_get_range(map, i - 1, NULL, NULL);
	return MAX(offset_bytes, MIN((range.first_block + range.n_blocks) * block_size, end_bytes));
}

/* A piece as it is decoded: from a checkpoint on only as far as something is mapped. */
static struct piece get_piece(const struct piece_store *store, size_t i)
{
	struct piece piece;

	if (!store->options.index) {
		uint64_t offset = (uint64_t)i * RAW_PIECE_BYTES;
		uint64_t len = MIN(RAW_PIECE_BYTES, store->options.size_bytes - offset);

		return (struct piece){
			.image_offset_bytes = offset,
			.image_len_bytes = len,
			.encoded_offset_bytes = offset,
			.encoded_len_bytes = len,
		};
	}
	piece = store->options.index->pieces[i];
	if (piece.is_checkpoint)
		piece.image_len_bytes =
			mapped_end(store, piece.image_offset_bytes,
				   piece.image_offset_bytes + piece.image_len_bytes) -
			piece.image_offset_bytes;
	return piece;
}

static bool is_kept(const struct piece_store *store, size_t i)
{
	return store->kept && store->kept[i] == KEPT;
}

/* Is it worth decoding in advance? */
static bool is_wanted(const struct piece_store *store, size_t i, const struct piece *piece)
{
	return piece->image_len_bytes <= store->max_piece_bytes && !is_kept(store, i) &&
	       mapped_end(store, piece->image_offset_bytes,
			  piece->image_offset_bytes + piece->image_len_bytes) >
		       piece->image_offset_bytes;
}

/* ---- decoding ---- */

static void free_tools(struct worker_tools *tools)
{
	decoder_free(tools->decoder);
	free(tools->in);
	free(tools->out);
	free(tools);
}

static struct worker_tools *new_tools(const struct piece_store *store, struct bmap_error *err)
{
	struct worker_tools *tools = calloc(1, sizeof(*tools));

	if (!tools) {
		bmap_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	tools->in = malloc(IN_LEN);
	if (!tools->in)
		bmap_error_set(err, ENOMEM, "out of memory");
	else if (store->options.codec)
		(void)!decoder_new(&tools->decoder, store->options.codec,
				   store->options.decoder_memory_bytes, err);
	if (err->code) {
		free_tools(tools);
		return NULL;
	}
	return tools;
}

/* Decoders take memory of their own, so there are only so many; they are waited for. */
static struct worker_tools *take_tools(struct piece_store *store, struct bmap_error *err)
{
	struct worker_tools *tools;

	pthread_mutex_lock(&store->lock);
	while (!store->tools && store->n_tools == store->max_tools && !store->cancelled)
		pthread_cond_wait(&store->changed, &store->lock);
	if (store->cancelled) {
		pthread_mutex_unlock(&store->lock);
		bmap_error_set(err, ECANCELED, "cancelled");
		return NULL;
	}
	tools = store->tools;
	if (tools)
		store->tools = tools->next;
	else
		store->n_tools++;
	pthread_mutex_unlock(&store->lock);
	if (tools)
		return tools;
	tools = new_tools(store, err);
	if (!tools) {
		LOCKED(&store->lock);
		store->n_tools--;
	}
	return tools;
}

static void put_tools(struct piece_store *store, struct worker_tools *tools)
{
	LOCKED(&store->lock);

	tools->next = store->tools;
	store->tools = tools;
	pthread_cond_broadcast(&store->changed);
}

/* Where the decoded bytes of a piece go. */
struct sink {
	uint8_t *data; /* all of it; NULL: into the file */
	uint64_t left; /* bytes of the piece still to come */
	uint64_t offset_bytes;
};

static int wrong_length(const struct piece *piece, const char *what, struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO,
			      "the piece at byte %" PRIu64 " of the image holds %s than its index "
			      "says",
			      piece->image_offset_bytes, what);
}

/* The next encoded bytes of the piece, as they arrive. */
static int read_encoded(struct source *source, const struct piece *piece,
			struct worker_tools *tools, uint64_t *done, struct decoder_io *io,
			struct bmap_error *err)
{
	size_t len = (size_t)MIN(IN_LEN, piece->encoded_len_bytes - *done);
	ssize_t n = len ? source_pread_some(source, tools->in, len,
					    piece->encoded_offset_bytes + *done, err)
			: 0;

	if (n < 0)
		return (int)n;
	if (n == 0 && len)
		return bmap_error_set(err, ENODATA, "'%s' ends early", source_name(source));
	*done += (uint64_t)n;
	io->in = tools->in;
	io->in_left = (size_t)n;
	io->in_end = *done == piece->encoded_len_bytes;
	return 0;
}

static int decode(struct piece_store *store, struct source *source, const struct piece *piece,
		  struct worker_tools *tools, struct sink *sink, struct bmap_error *err)
{
	struct decoder_io io = {0};
	uint64_t done = 0;
	int r = decoder_start(tools->decoder, piece, err);

	io.out = sink->data ? sink->data : tools->out;
	io.out_left = (size_t)MIN(sink->left, sink->data ? SIZE_MAX : OUT_LEN);
	while (r == 0) {
		const uint8_t *in = io.in, *out = io.out;

		if (io.in_left == 0 && !io.in_end &&
		    read_encoded(source, piece, tools, &done, &io, err) < 0)
			return -err->code;
		in = io.in;
		r = decoder_run(tools->decoder, &io, err);
		if (r < 0)
			return r;
		sink->left -= (uint64_t)(io.out - out);
		if (!sink->data && (io.out_left == 0 || r == 1)) {
			size_t len = (size_t)(io.out - tools->out);

			if (mapped_file_write(&store->file, tools->out, len, sink->offset_bytes,
					      err) < 0)
				return -err->code;
			sink->offset_bytes += len;
			io.out = tools->out;
			io.out_left = (size_t)MIN(sink->left, OUT_LEN);
		}
		if (r == 0 && io.in_end && io.in == in && io.out == out)
			return wrong_length(piece, "more", err);
	}
	if (r < 0)
		return r;
	return sink->left ? wrong_length(piece, "less", err) : 0;
}

static int read_raw(struct source *source, const struct piece *piece, uint8_t *data,
		    struct bmap_error *err)
{
	ssize_t n = source_pread(source, data, piece->image_len_bytes, piece->encoded_offset_bytes,
				 err);

	if (n < 0)
		return (int)n;
	return (uint64_t)n == piece->image_len_bytes
		       ? 0
		       : bmap_error_set(err, ENODATA, "'%s' ends early", source_name(source));
}

/* Reads and decodes a piece with what it takes: tools (NULL without a codec) and a reader. */
static int fetch_with(struct piece_store *store, const struct piece *piece, uint64_t read_on_to,
		      struct worker_tools *tools, struct sink *sink, struct bmap_error *err)
{
	uint64_t end = piece->encoded_offset_bytes + piece->encoded_len_bytes;
	struct source *source;
	int r;

	if (tools && !sink->data && !tools->out) {
		tools->out = malloc(OUT_LEN);
		if (!tools->out)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	if (source_pool_take(store->options.pool, piece->encoded_offset_bytes, &source, err) < 0)
		return -err->code;
	source_expect(source, MAX(end, read_on_to));
	r = tools ? decode(store, source, piece, tools, sink, err)
		  : read_raw(source, piece, sink->data, err);
	source_pool_put(store->options.pool, source, end, r == 0 ? read_on_to : 0);
	return r;
}

/* Fetches and decodes a piece. */
static int fetch(struct piece_store *store, const struct piece *piece, uint64_t read_on_to,
		 struct sink *sink, struct bmap_error *err)
{
	struct worker_tools *tools = NULL;
	int r = 0;

	if (store->options.codec) {
		tools = take_tools(store, err);
		r = tools ? 0 : -err->code;
	}
	if (r == 0)
		r = fetch_with(store, piece, read_on_to, tools, sink, err);
	if (tools)
		put_tools(store, tools);
	if (r == 0)
		atomic_fetch_add_explicit(store->options.decoded_bytes, piece->image_len_bytes,
					  memory_order_relaxed);
	if (r == 0 || r == -ECANCELED || strstr(err->message, store->options.name))
		return r;
	return bmap_error_prefix(err, "image file '%s'", store->options.name);
}

/* What was verified once must not come in another form the next time. */
static int check_piece(struct piece_store *store, size_t i, const uint8_t *data, size_t len,
		       struct bmap_error *err)
{
	static const uint8_t unknown[CHECK_LEN];
	uint8_t check[BMAP_MAX_DIGEST_LEN];

	if (!store->checks)
		return 0;
	if (digest_of(store->check_type, data, len, check) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (memcmp(store->checks[i], unknown, CHECK_LEN) == 0)
		memcpy(store->checks[i], check, CHECK_LEN);
	if (memcmp(store->checks[i], check, CHECK_LEN) == 0)
		return 0;
	return bmap_error_set(err, EBADMSG,
			      "'%s' is not what it was: its bytes from %" PRIu64
			      " of the image on differ from when they were read first",
			      store->options.name, get_piece(store, i).image_offset_bytes);
}

/* ---- pieces that are wanted again and again ---- */

/* The file, made when it is first needed.  false: there is none. */
static bool has_file(struct piece_store *store)
{
	LOCKED(&store->lock);
	struct bmap_error err = {0};

	return store->file.is_open ||
	       mapped_file_open(&store->file, store->options.folder, store->options.map, &err) == 0;
}

/* Will memory soon drop what it has? */
static bool is_filling(struct piece_store *store)
{
	return piece_cache_used_bytes(store->cache) > store->options.memory_bytes / 2;
}

/*
 * What is read here and there will be wanted again: when memory will not hold all of it, the piece
 * goes to the file as well, or else when it is decoded a second time.  Who reads in order decodes a
 * piece once, and nothing is written.  It may fail: then it is decoded once more.
 */
static void keep_piece(struct piece_store *store, size_t i, const struct piece *piece,
		       const uint8_t *data, size_t len, bool is_in_order)
{
	struct bmap_error err = {0};

	if (!store->kept)
		return;
	if (store->kept[i] == UNSEEN && (is_in_order || !is_filling(store)))
		store->kept[i] = SEEN;
	else if (has_file(store) &&
		 mapped_file_write(&store->file, data, len, piece->image_offset_bytes, &err) == 0)
		store->kept[i] = KEPT;
}

static int load_piece(void *opaque, size_t i, uint8_t *data, size_t len, uint64_t read_on_to,
		      struct bmap_error *err)
{
	struct piece_store *store = opaque;
	const struct piece piece = get_piece(store, i);
	struct sink sink = {.data = data, .left = len};

	if (fetch(store, &piece, read_on_to, &sink, err) < 0 ||
	    check_piece(store, i, data, len, err) < 0)
		return -err->code;
	keep_piece(store, i, &piece, data, len, read_on_to > 0);
	return 0;
}

/* ---- pieces in the file ---- */

/* Decodes a piece into the file, unless somebody does or has done so. */
static int reach_large(struct piece_store *store, size_t i, const struct piece *piece,
		       struct bmap_error *err)
{
	struct sink sink = {
		.left = piece->image_len_bytes,
		.offset_bytes = piece->image_offset_bytes,
	};
	int r;

	pthread_mutex_lock(&store->lock);
	while (store->large[i] == BUSY && !store->cancelled)
		pthread_cond_wait(&store->changed, &store->lock);
	if (store->large[i] == PRESENT || store->cancelled) {
		r = store->large[i] == PRESENT ? 0 : bmap_error_set(err, ECANCELED, "cancelled");
		pthread_mutex_unlock(&store->lock);
		return r;
	}
	store->large[i] = BUSY;
	pthread_mutex_unlock(&store->lock);
	r = fetch(store, piece, 0, &sink, err);
	pthread_mutex_lock(&store->lock);
	store->large[i] = r == 0 ? PRESENT : ABSENT;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->lock);
	return r;
}

static int read_large(struct piece_store *store, size_t i, const struct piece *piece, uint8_t *buf,
		      size_t len, uint64_t offset_bytes, struct bmap_error *err)
{
	return reach_large(store, i, piece, err) < 0
		       ? -err->code
		       : mapped_file_read(&store->file, buf, len, offset_bytes, err);
}

/* ---- reading ---- */

int piece_store_pread(struct piece_store *store, uint8_t *buf, size_t len, uint64_t offset_bytes,
		      struct bmap_error *err)
{
	while (len) {
		size_t i = find_piece(store, offset_bytes), part;
		struct cached_piece *cached;
		struct piece piece;

		if (i >= piece_store_n_pieces(store))
			return bmap_error_set(err, ENODATA, "'%s' ends before its map does",
					      store->options.name);
		piece = get_piece(store, i);
		part = (size_t)MIN(len,
				   piece.image_offset_bytes + piece.image_len_bytes - offset_bytes);
		if (piece.image_len_bytes > store->max_piece_bytes) {
			if (read_large(store, i, &piece, buf, part, offset_bytes, err) < 0)
				return -err->code;
		} else if (is_kept(store, i)) {
			if (mapped_file_read(&store->file, buf, part, offset_bytes, err) < 0)
				return -err->code;
		} else {
			if (piece_cache_get(store->cache, i, (size_t)piece.image_len_bytes, &cached,
					    err) < 0)
				return -err->code;
			memcpy(buf,
			       cached_piece_data(cached) +
				       (offset_bytes - piece.image_offset_bytes),
			       part);
			piece_cache_unpin(store->cache, cached);
		}
		buf += part;
		len -= part;
		offset_bytes += part;
	}
	return 0;
}

struct cached_piece *piece_store_peek(struct piece_store *store, uint64_t offset_bytes,
				      const uint8_t **data, size_t *len)
{
	size_t i = find_piece(store, offset_bytes);
	struct cached_piece *cached =
		i < piece_store_n_pieces(store) ? piece_cache_find(store->cache, i) : NULL;
	struct piece piece;

	if (!cached)
		return NULL;
	piece = get_piece(store, i);
	*data = cached_piece_data(cached) + (offset_bytes - piece.image_offset_bytes);
	*len = (size_t)(piece.image_offset_bytes + piece.image_len_bytes - offset_bytes);
	return cached;
}

void piece_store_unpin(struct piece_store *store, struct cached_piece *cached)
{
	piece_cache_unpin(store->cache, cached);
}

/* ---- in advance ---- */

/* Leaves the run to a thread.  false: there are enough already, or it is over. */
static bool push_run(struct piece_store *store, struct run *run)
{
	LOCKED(&store->lock);

	if (store->n_runs == MAX_RUNS || store->cancelled)
		return false;
	store->runs[(store->first_run + store->n_runs++) % MAX_RUNS] = run;
	pthread_cond_broadcast(&store->changed);
	return true;
}

/*
 * Claims pieces from *@i on that lie behind each other, and moves *@i on.  NULL: there are none, or
 * no room.
 */
static struct run *claim_run(struct piece_store *store, size_t *i, uint64_t end_bytes)
{
	struct run *run = calloc(1, sizeof(*run));
	uint64_t first = 0;

	for (; run && *i < piece_store_n_pieces(store) && run->n_pieces < MAX_RUN; ++*i) {
		const struct piece piece = get_piece(store, *i);
		struct cached_piece *cached = NULL;
		bool is_full = false;

		if (piece.image_offset_bytes >= end_bytes ||
		    (run->n_pieces &&
		     (piece.encoded_offset_bytes + piece.encoded_len_bytes > first + RUN_BYTES ||
		      piece.encoded_offset_bytes > run->encoded_end_bytes)))
			break;
		if (is_wanted(store, *i, &piece))
			cached = piece_cache_claim(store->cache, *i, (size_t)piece.image_len_bytes,
						   &is_full);
		if (is_full || (!cached && run->n_pieces))
			break;
		if (!cached)
			continue;
		if (run->n_pieces == 0)
			first = piece.encoded_offset_bytes;
		run->encoded_end_bytes = piece.encoded_offset_bytes + piece.encoded_len_bytes;
		run->pieces[run->n_pieces++] = cached;
	}
	if (run && run->n_pieces)
		return run;
	free(run);
	return NULL;
}

static void decode_run(struct piece_store *store, struct run *run)
{
	for (size_t i = 0; i < run->n_pieces; i++)
		piece_cache_load(store->cache, run->pieces[i],
				 run->is_in_order ? run->encoded_end_bytes : 0);
	free(run);
}

/* As piece_store_read_ahead(). */
static uint64_t read_ahead(struct piece_store *store, uint64_t reader_bytes, uint64_t offset_bytes,
			   uint64_t end_bytes, bool is_in_order)
{
	size_t i = find_piece(store, offset_bytes);
	struct run *run;

	if (store->n_threads == 0)
		return end_bytes;
	end_bytes = MIN(end_bytes, reader_bytes + store->options.memory_bytes / 2);
	while (offset_bytes < end_bytes && (run = claim_run(store, &i, end_bytes))) {
		run->is_in_order = is_in_order;
		if (push_run(store, run))
			continue;
		decode_run(store, run);
		break;
	}
	return i < piece_store_n_pieces(store)
		       ? MAX(offset_bytes, get_piece(store, i).image_offset_bytes)
		       : end_bytes;
}

uint64_t piece_store_read_ahead(struct piece_store *store, uint64_t reader_bytes,
				uint64_t offset_bytes, uint64_t end_bytes)
{
	bool is_one = end_bytes <= offset_bytes ||
		      find_piece(store, offset_bytes) == find_piece(store, end_bytes - 1);

	return read_ahead(store, reader_bytes, offset_bytes, end_bytes, !is_one);
}

/* Enough for all threads to be busy while the reader uses up a piece. */
static uint64_t ahead_bytes(const struct piece_store *store, uint64_t offset_bytes)
{
	size_t i = find_piece(store, offset_bytes);
	uint64_t piece_len = 0;

	if (i < piece_store_n_pieces(store))
		piece_len = get_piece(store, i).image_len_bytes;
	return MAX(MIN_AHEAD_BYTES, piece_len * (store->n_threads + 1));
}

/* The stream that goes on with this read, or the one used least recently, begun anew. */
static struct stream *find_stream(struct piece_store *store, uint64_t offset_bytes)
{
	struct stream *oldest = &store->streams[0];

	for (size_t i = 0; i < MAX_STREAMS; i++) {
		struct stream *stream = &store->streams[i];

		if (stream->last_use && offset_bytes <= stream->end_bytes + STREAM_GAP_BYTES &&
		    offset_bytes + STREAM_GAP_BYTES >= stream->end_bytes)
			return stream;
		if (stream->last_use < oldest->last_use)
			oldest = stream;
	}
	*oldest = (struct stream){.end_bytes = offset_bytes};
	return oldest;
}

void piece_store_note_read(struct piece_store *store, uint64_t offset_bytes, size_t len)
{
	uint64_t from, to;
	struct stream *stream;

	pthread_mutex_lock(&store->lock);
	stream = find_stream(store, offset_bytes);
	stream->last_use = ++store->n_uses;
	stream->n_bytes += len;
	stream->end_bytes = MAX(stream->end_bytes, offset_bytes + len);
	from = MAX(stream->end_bytes, stream->ahead_bytes);
	to = stream->end_bytes + ahead_bytes(store, stream->end_bytes);
	/* In larger steps, so that pieces are fetched together. */
	if (stream->n_bytes < STREAM_MIN_BYTES || to < from + MIN_AHEAD_BYTES / 2)
		from = to;
	else
		stream->ahead_bytes = to;
	pthread_mutex_unlock(&store->lock);
	if (from < to)
		read_ahead(store, from, from, to, true);
}

/* NULL: it is over. */
static struct run *next_run(struct piece_store *store)
{
	LOCKED(&store->lock);
	struct run *run;

	while (store->n_runs == 0 && !store->cancelled)
		pthread_cond_wait(&store->changed, &store->lock);
	if (store->n_runs == 0)
		return NULL;
	run = store->runs[store->first_run];
	store->first_run = (store->first_run + 1) % MAX_RUNS;
	store->n_runs--;
	return run;
}

static void *advance_thread(void *opaque)
{
	struct piece_store *store = opaque;
	struct run *run;

	/* After a cancel the cache fails at once, and those who wait for a piece hear of it. */
	while ((run = next_run(store)))
		decode_run(store, run);
	return NULL;
}

/* ---- beginning and end ---- */

static int make_file(struct piece_store *store, struct bmap_error *err)
{
	size_t n_pieces = piece_store_n_pieces(store), i = 0;

	while (i < n_pieces && get_piece(store, i).image_len_bytes <= store->max_piece_bytes)
		i++;
	if (i == n_pieces)
		return 0;
	store->large = calloc(n_pieces, sizeof(*store->large));
	if (!store->large)
		return bmap_error_set(err, ENOMEM, "out of memory");
	return mapped_file_open(&store->file, store->options.folder, store->options.map, err);
}

static int start(struct piece_store *store, unsigned int n_threads, struct bmap_error *err)
{
	store->cache = piece_cache_new(store->options.memory_bytes, load_piece, store);
	if (store->options.is_verified) {
		store->checks = calloc(piece_store_n_pieces(store) + 1, CHECK_LEN);
		if (digest_type_new(&store->check_type, "sha256", err) < 0)
			return -err->code;
	}
	if (store->options.codec)
		store->kept = calloc(piece_store_n_pieces(store) + 1, sizeof(*store->kept));
	if (!store->cache || (store->options.is_verified && !store->checks) ||
	    (store->options.codec && !store->kept))
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (make_file(store, err) < 0)
		return -err->code;
	while (store->n_threads < n_threads) {
		int r = thread_start(&store->threads[store->n_threads], advance_thread, store);

		if (r)
			return bmap_error_set_system(err, -r, "cannot start a thread");
		store->n_threads++;
	}
	return 0;
}

int piece_store_new(struct piece_store **store_out, const struct piece_store_options *options,
		    struct bmap_error *err)
{
	struct piece_store *store =
		calloc(1, sizeof(*store) + options->n_threads * sizeof(store->threads[0]));

	if (!store)
		return bmap_error_set(err, ENOMEM, "out of memory");
	store->options = *options;
	store->max_piece_bytes = options->index ? options->memory_bytes / 2 : UINT64_MAX;
	store->max_tools = options->n_threads + 1;
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->changed, NULL);
	if (start(store, options->n_threads, err) < 0) {
		piece_store_free(store);
		return -err->code;
	}
	*store_out = store;
	return 0;
}

void piece_store_cancel(struct piece_store *store)
{
	if (store->cache)
		piece_cache_cancel(store->cache);
	pthread_mutex_lock(&store->lock);
	store->cancelled = true;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->lock);
}

void piece_store_free(struct piece_store *store)
{
	if (!store)
		return;
	piece_store_cancel(store);
	for (unsigned int i = 0; i < store->n_threads; i++)
		pthread_join(store->threads[i], NULL);
	while (store->tools) {
		struct worker_tools *tools = store->tools;

		store->tools = tools->next;
		free_tools(tools);
	}
	piece_cache_free(store->cache);
	free(store->checks);
	free(store->kept);
	digest_type_free(store->check_type);
	free(store->large);
	mapped_file_close(&store->file);
	pthread_cond_destroy(&store->changed);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

uint64_t piece_store_hits(struct piece_store *store)
{
	return piece_cache_hits(store->cache);
}
