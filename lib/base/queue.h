/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded queue between two stages.
 *
 * Threads: any number on both ends.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* A queue of at most @max_items items of @item_size bytes; NULL when out of memory. */
struct queue *queue_new(size_t max_items, size_t item_size);

/* The caller has emptied it; NULL is allowed. */
void queue_free(struct queue *queue);

/* Waits for room and copies *@item in.  false: the queue is closed, nothing was taken. */
bool queue_push(struct queue *queue, const void *item);

/* Waits for an item.  false: the queue is closed and empty. */
bool queue_pop(struct queue *queue, void *item);

/* No more items; those inside can still be popped. */
void queue_close(struct queue *queue);

#endif
