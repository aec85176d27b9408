/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers of one source for several threads: each takes one, reads, and puts it back.  Of a remote
 * source a reader is a connection, which is kept; one that can read on where it is, is preferred.
 *
 * Threads: any; a reader belongs to who took it.
 */
#ifndef SOURCE_SOURCE_POOL_H
#define SOURCE_SOURCE_POOL_H

#include "source/source.h"

struct source_pool;

/*
 * @source is lent and must be seekable.  With @is_reader it is one of the readers itself, and must
 * not be read otherwise meanwhile.  NULL when out of memory.
 */
struct source_pool *source_pool_new(struct source *source, bool is_reader);

/* All readers are back.  NULL is allowed. */
void source_pool_free(struct source_pool *pool);

/* A reader, best for reading at @offset_bytes. */
BMAP_MUST_CHECK int source_pool_take(struct source_pool *pool, uint64_t offset_bytes,
				     struct source **reader, struct bmap_error *err);

/*
 * @end_bytes: where its next byte is; @read_on_to: where it will probably go on to.  Until then
 * others get another reader, so that what is under way to this one is not lost.
 */
void source_pool_put(struct source_pool *pool, struct source *reader, uint64_t end_bytes,
		     uint64_t read_on_to);

#endif
