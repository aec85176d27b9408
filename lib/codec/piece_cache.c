/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "codec/piece_cache.h"

#define N_BUCKETS 4096

/* All fields but the bytes are guarded by the cache's lock; the bytes are constant once it is
 * ready. */
struct cached_piece {
	struct cached_piece *next_in_bucket;
	struct cached_piece *newer, *older; /* of those that are ready */
	size_t piece, len_bytes;
	uint8_t *data;
	enum { LOADING, READY, FAILED } state;
	size_t n_pins; /* of readers, of those who wait, and of who loads it */
	struct bmap_error err;
};

struct piece_cache {
	uint64_t max_bytes;
	piece_loader *load;
	void *opaque;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct cached_piece *buckets[N_BUCKETS]; /* guarded by lock */
	struct cached_piece *newest, *oldest;    /* guarded by lock */
	uint64_t n_bytes;                        /* guarded by lock */
	uint8_t *spare;                          /* guarded by lock: of a dropped piece, or NULL */
	size_t spare_len;                        /* guarded by lock */
	size_t n_waiting_for_room;               /* guarded by lock */
	uint64_t n_hits;                         /* guarded by lock */
	bool cancelled;                          /* guarded by lock */
};

struct piece_cache *piece_cache_new(uint64_t max_bytes, piece_loader *load, void *opaque)
{
	struct piece_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->max_bytes = max_bytes;
	cache->load = load;
	cache->opaque = opaque;
	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->changed, NULL);
	return cache;
}

static struct cached_piece **find_slot(struct piece_cache *cache, size_t piece)
{
	struct cached_piece **slot = &cache->buckets[piece % N_BUCKETS];

	while (*slot && (*slot)->piece != piece)
		slot = &(*slot)->next_in_bucket;
	return slot;
}

static void leave_order(struct piece_cache *cache, struct cached_piece *cached)
{
	*(cached->newer ? &cached->newer->older : &cache->newest) = cached->older;
	*(cached->older ? &cached->older->newer : &cache->oldest) = cached->newer;
	cached->newer = cached->older = NULL;
}

static void become_newest(struct piece_cache *cache, struct cached_piece *cached)
{
	cached->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = cached;
	cache->newest = cached;
}

static void free_piece(struct piece_cache *cache, struct cached_piece *cached)
{
	cache->n_bytes -= cached->len_bytes;
	/* Most pieces are of one length, and memory that is there is faster than new one. */
	free(cache->spare);
	cache->spare = cached->data;
	cache->spare_len = cached->len_bytes;
	free(cached);
}

/* It cannot be found any more; its memory goes with the last pin. */
static void forget(struct piece_cache *cache, struct cached_piece *cached)
{
	struct cached_piece **slot = find_slot(cache, cached->piece);

	if (cached->state == READY)
		leave_order(cache, cached);
	*slot = cached->next_in_bucket;
}

void piece_cache_free(struct piece_cache *cache)
{
	if (!cache)
		return;
	while (cache->oldest) {
		struct cached_piece *cached = cache->oldest;

		forget(cache, cached);
		free_piece(cache, cached);
	}
	free(cache->spare);
	pthread_cond_destroy(&cache->changed);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/* Drops what nobody has used for longest until @len_bytes more fit.  false: all is in use. */
static bool make_room(struct piece_cache *cache, size_t len_bytes)
{
	struct cached_piece *cached = cache->oldest;

	while (cache->n_bytes && cache->n_bytes + len_bytes > cache->max_bytes) {
		struct cached_piece *newer;

		if (!cached)
			return false;
		newer = cached->newer;
		if (cached->n_pins == 0) {
			forget(cache, cached);
			free_piece(cache, cached);
		}
		cached = newer;
	}
	return true;
}

static uint8_t *take_memory(struct piece_cache *cache, size_t len_bytes)
{
	uint8_t *data = cache->spare;

	cache->spare = NULL;
	if (data && cache->spare_len == len_bytes)
		return data;
	free(data);
	return malloc(len_bytes);
}

static struct cached_piece *add_piece(struct piece_cache *cache, size_t piece, size_t len_bytes)
{
	struct cached_piece *cached = calloc(1, sizeof(*cached));
	struct cached_piece **slot = find_slot(cache, piece);

	if (!cached)
		return NULL;
	cached->data = take_memory(cache, len_bytes);
	if (!cached->data) {
		free(cached);
		return NULL;
	}
	cached->piece = piece;
	cached->len_bytes = len_bytes;
	cached->n_pins = 1;
	cache->n_bytes += len_bytes;
	*slot = cached;
	return cached;
}

static void unpin(struct piece_cache *cache, struct cached_piece *cached)
{
	if (--cached->n_pins > 0)
		return;
	if (cached->state == FAILED)
		free_piece(cache, cached);
	if (cache->n_waiting_for_room)
		pthread_cond_broadcast(&cache->changed);
}

/* Decodes it, without the lock. */
static void load(struct piece_cache *cache, struct cached_piece *cached, uint64_t read_on_to)
{
	struct bmap_error err = {0};
	int r;

	if (cache->cancelled) {
		r = bmap_error_set(&err, ECANCELED, "cancelled");
	} else {
		pthread_mutex_unlock(&cache->lock);
		r = cache->load(cache->opaque, cached->piece, cached->data, cached->len_bytes,
				read_on_to, &err);
		pthread_mutex_lock(&cache->lock);
	}
	if (r < 0) {
		forget(cache, cached);
		cached->state = FAILED;
		cached->err = err;
	} else {
		cached->state = READY;
		become_newest(cache, cached);
	}
	if (cached->n_pins > 1 || cache->n_waiting_for_room)
		pthread_cond_broadcast(&cache->changed);
}

/* Waits for a piece that somebody else decodes; it is pinned when it is good. */
static int wait_for(struct piece_cache *cache, struct cached_piece *cached, struct bmap_error *err)
{
	cached->n_pins++;
	while (cached->state == LOADING && !cache->cancelled)
		pthread_cond_wait(&cache->changed, &cache->lock);
	if (cached->state == READY)
		return 0;
	if (cached->state == FAILED)
		*err = cached->err;
	else
		bmap_error_set(err, ECANCELED, "cancelled");
	unpin(cache, cached);
	return -err->code;
}

int piece_cache_get(struct piece_cache *cache, size_t piece, size_t len_bytes,
		    struct cached_piece **out, struct bmap_error *err)
{
	LOCKED(&cache->lock);
	struct cached_piece *cached;

	for (;;) {
		cached = *find_slot(cache, piece);
		if (cached) {
			if (wait_for(cache, cached, err) < 0)
				return -err->code;
			cache->n_hits++;
			leave_order(cache, cached);
			become_newest(cache, cached);
			*out = cached;
			return 0;
		}
		if (cache->cancelled)
			return bmap_error_set(err, ECANCELED, "cancelled");
		if (make_room(cache, len_bytes))
			break;
		cache->n_waiting_for_room++;
		pthread_cond_wait(&cache->changed, &cache->lock);
		cache->n_waiting_for_room--;
	}
	cached = add_piece(cache, piece, len_bytes);
	if (!cached)
		return bmap_error_set(err, ENOMEM, "out of memory");
	load(cache, cached, 0);
	if (cached->state == FAILED) {
		*err = cached->err;
		unpin(cache, cached);
		return -err->code;
	}
	*out = cached;
	return 0;
}

struct cached_piece *piece_cache_find(struct piece_cache *cache, size_t piece)
{
	LOCKED(&cache->lock);
	struct cached_piece *cached = *find_slot(cache, piece);

	if (!cached || cached->state != READY)
		return NULL;
	cached->n_pins++;
	return cached;
}

const uint8_t *cached_piece_data(const struct cached_piece *cached)
{
	return cached->data;
}

void piece_cache_unpin(struct piece_cache *cache, struct cached_piece *cached)
{
	LOCKED(&cache->lock);

	unpin(cache, cached);
}

struct cached_piece *piece_cache_claim(struct piece_cache *cache, size_t piece, size_t len_bytes,
				       bool *is_full)
{
	LOCKED(&cache->lock);

	*is_full = false;
	if (*find_slot(cache, piece))
		return NULL;
	*is_full = cache->cancelled || !make_room(cache, len_bytes);
	return *is_full ? NULL : add_piece(cache, piece, len_bytes);
}

void piece_cache_load(struct piece_cache *cache, struct cached_piece *cached, uint64_t read_on_to)
{
	LOCKED(&cache->lock);

	load(cache, cached, read_on_to);
	unpin(cache, cached);
}

void piece_cache_cancel(struct piece_cache *cache)
{
	LOCKED(&cache->lock);

	cache->cancelled = true;
	pthread_cond_broadcast(&cache->changed);
}

uint64_t piece_cache_used_bytes(struct piece_cache *cache)
{
	LOCKED(&cache->lock);

	return cache->n_bytes;
}

uint64_t piece_cache_hits(struct piece_cache *cache)
{
	LOCKED(&cache->lock);

	return cache->n_hits;
}
