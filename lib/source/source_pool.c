/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "source/source_pool.h"

/* More readers than this are not kept when nobody needs them. */
#define MAX_IDLE 16
/* So many may wait for who will go on with them; those that have waited longest are taken then. */
#define MAX_WAITING 8

struct source_pool {
	struct source *source;
	pthread_mutex_t lock;
	size_t n_idle; /* guarded by lock */
	struct {
		struct source *reader;
		uint64_t end_bytes, read_on_to;
	} idle[MAX_IDLE]; /* guarded by lock; the one used last comes last */
};

struct source_pool *source_pool_new(struct source *source, bool is_reader)
{
	struct source_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->source = source;
	pthread_mutex_init(&pool->lock, NULL);
	if (is_reader)
		pool->idle[pool->n_idle++].reader = source;
	return pool;
}

void source_pool_free(struct source_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->n_idle; i++) {
		if (pool->idle[i].reader != pool->source)
			source_close(pool->idle[i].reader);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static struct source *take_idle(struct source_pool *pool, uint64_t offset_bytes)
{
	LOCKED(&pool->lock);
	struct source *reader;
	size_t best = pool->n_idle, n_waiting = 0;

	for (size_t i = 0; i < pool->n_idle; i++) {
		bool waits = pool->idle[i].read_on_to > pool->idle[i].end_bytes;

		/* Pieces that follow each other may share a byte. */
		if (pool->idle[i].end_bytes - offset_bytes <= 1) {
			best = i;
			break;
		}
		n_waiting += waits;
		if (!waits)
			best = i;
	}
	if (best == pool->n_idle && n_waiting >= MAX_WAITING)
		best = 0;
	if (best == pool->n_idle)
		return NULL;
	reader = pool->idle[best].reader;
	pool->n_idle--;
	for (size_t i = best; i < pool->n_idle; i++)
		pool->idle[i] = pool->idle[i + 1];
	return reader;
}

int source_pool_take(struct source_pool *pool, uint64_t offset_bytes, struct source **reader,
		     struct bmap_error *err)
{
	*reader = take_idle(pool, offset_bytes);
	return *reader ? 0 : source_clone(reader, pool->source, err);
}

void source_pool_put(struct source_pool *pool, struct source *reader, uint64_t end_bytes,
		     uint64_t read_on_to)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->n_idle < MAX_IDLE) {
		pool->idle[pool->n_idle].reader = reader;
		pool->idle[pool->n_idle].read_on_to = read_on_to;
		pool->idle[pool->n_idle++].end_bytes = end_bytes;
		reader = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	if (reader != pool->source)
		source_close(reader);
}
