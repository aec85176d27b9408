/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buffer_pool.h"
#include "base/cleanup.h"

#define ALIGNMENT 4096

struct buffer {
	struct buffer_pool *pool;
	struct buffer *next_free; /* guarded by the pool's lock */
	atomic_uint n_refs;
	uint8_t *data;
};

struct buffer_pool {
	pthread_mutex_t lock;
	pthread_cond_t returned;
	size_t buffer_size_bytes, n_buffers;
	size_t n_made;       /* guarded by lock */
	struct buffer *free; /* guarded by lock */
	bool closed;         /* guarded by lock */
	struct buffer buffers[];
};

struct buffer_pool *buffer_pool_new(size_t n_buffers, size_t buffer_size_bytes)
{
	struct buffer_pool *pool = calloc(1, sizeof(*pool) + n_buffers * sizeof(struct buffer));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->returned, NULL);
	pool->n_buffers = n_buffers;
	pool->buffer_size_bytes = buffer_size_bytes;
	return pool;
}

void buffer_pool_free(struct buffer_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->n_made; i++)
		free(pool->buffers[i].data);
	pthread_cond_destroy(&pool->returned);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

size_t buffer_pool_buffer_size(const struct buffer_pool *pool)
{
	return pool->buffer_size_bytes;
}

struct buffer *buffer_pool_get(struct buffer_pool *pool)
{
	LOCKED(&pool->lock);
	struct buffer *buffer;

	while (!pool->free && pool->n_made == pool->n_buffers && !pool->closed)
		pthread_cond_wait(&pool->returned, &pool->lock);
	if (pool->closed)
		return NULL;
	buffer = pool->free;
	if (buffer) {
		pool->free = buffer->next_free;
	} else {
		buffer = &pool->buffers[pool->n_made];
		buffer->data = aligned_alloc(ALIGNMENT, pool->buffer_size_bytes);
		if (!buffer->data)
			return NULL;
		buffer->pool = pool;
		pool->n_made++;
	}
	atomic_store_explicit(&buffer->n_refs, 1, memory_order_relaxed);
	return buffer;
}

void buffer_pool_close(struct buffer_pool *pool)
{
	LOCKED(&pool->lock);

	pool->closed = true;
	pthread_cond_broadcast(&pool->returned);
}

int buffer_pool_failure(struct buffer_pool *pool, struct bmap_error *err)
{
	LOCKED(&pool->lock);

	return pool->closed ? bmap_error_set(err, ECANCELED, "cancelled")
			    : bmap_error_set(err, ENOMEM, "out of memory");
}

uint8_t *buffer_data(struct buffer *buffer)
{
	return buffer->data;
}

struct buffer *buffer_ref(struct buffer *buffer)
{
	atomic_fetch_add_explicit(&buffer->n_refs, 1, memory_order_relaxed);
	return buffer;
}

void buffer_unref(struct buffer *buffer)
{
	struct buffer_pool *pool;

	if (!buffer || atomic_fetch_sub_explicit(&buffer->n_refs, 1, memory_order_acq_rel) != 1)
		return;
	pool = buffer->pool;
	LOCKED(&pool->lock);
	buffer->next_free = pool->free;
	pool->free = buffer;
	pthread_cond_signal(&pool->returned);
}
