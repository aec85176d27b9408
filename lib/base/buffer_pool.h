/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fixed number of buffers of one size, shared by reference: what a job may use of memory.
 *
 * A buffer is allocated when it is first needed and returns to the pool with its last
 * reference.  Buffers are aligned for O_DIRECT.
 *
 * Threads: any; a buffer's bytes are written by one thread before it is handed on.
 */
#ifndef BASE_BUFFER_POOL_H
#define BASE_BUFFER_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"

struct buffer_pool;
struct buffer;

/* NULL when out of memory. */
struct buffer_pool *buffer_pool_new(size_t n_buffers, size_t buffer_size_bytes);

/* Every buffer must be back; NULL is allowed. */
void buffer_pool_free(struct buffer_pool *pool);

size_t buffer_pool_buffer_size(const struct buffer_pool *pool);

/* Waits for a buffer, with one reference.  NULL: the pool was closed, or memory ran out. */
struct buffer *buffer_pool_get(struct buffer_pool *pool);

/* Wakes everybody who waits; from now on buffer_pool_get() gives NULL. */
void buffer_pool_close(struct buffer_pool *pool);

/* Why buffer_pool_get() gave NULL: -ECANCELED when the pool was closed, else -ENOMEM. */
int buffer_pool_failure(struct buffer_pool *pool, struct bmap_error *err);

uint8_t *buffer_data(struct buffer *buffer);
struct buffer *buffer_ref(struct buffer *buffer);

/* NULL is allowed. */
void buffer_unref(struct buffer *buffer);

#endif
