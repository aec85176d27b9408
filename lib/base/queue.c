/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/queue.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t max_items, item_size;
	size_t first, n_items; /* guarded by lock */
	bool closed;           /* guarded by lock */
	uint8_t items[];
};

struct queue *queue_new(size_t max_items, size_t item_size)
{
	struct queue *queue = malloc(sizeof(*queue) + max_items * item_size);

	if (!queue)
		return NULL;
	*queue = (struct queue){.max_items = max_items, .item_size = item_size};
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

bool queue_push(struct queue *queue, const void *item)
{
	LOCKED(&queue->lock);
	size_t at;

	while (queue->n_items == queue->max_items && !queue->closed)
		pthread_cond_wait(&queue->changed, &queue->lock);
	if (queue->closed)
		return false;
	at = (queue->first + queue->n_items++) % queue->max_items;
	memcpy(queue->items + at * queue->item_size, item, queue->item_size);
	pthread_cond_broadcast(&queue->changed);
	return true;
}

bool queue_pop(struct queue *queue, void *item)
{
	LOCKED(&queue->lock);

	while (queue->n_items == 0 && !queue->closed)
		pthread_cond_wait(&queue->changed, &queue->lock);
	if (queue->n_items == 0)
		return false;
	memcpy(item, queue->items + queue->first * queue->item_size, queue->item_size);
	queue->first = (queue->first + 1) % queue->max_items;
	queue->n_items--;
	pthread_cond_broadcast(&queue->changed);
	return true;
}

void queue_close(struct queue *queue)
{
	LOCKED(&queue->lock);

	queue->closed = true;
	pthread_cond_broadcast(&queue->changed);
}
