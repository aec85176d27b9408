/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The facts of a record in memory: chunks of bytes, a byte for each block, of which only those are
 * there in which something has happened.  They are the leaves of a tree that is no higher than the
 * last of them asks for: a lone fact anywhere takes a few kilobytes.
 *
 * Threads: the caller locks.
 */
#ifndef TRACE_FACT_TABLE_H
#define TRACE_FACT_TABLE_H

#include <stdint.h>

#define CHUNK_BLOCKS 256
/* Of the largest file that there can be, of 2^63 bytes. */
#define MAX_CHUNKS (UINT64_C(1) << (63 - 12 - 8))

/* Zeros: nothing has happened. */
struct fact_table {
	struct fact_node *root;
	unsigned int height; /* of the tree: so many nodes lie above each chunk */
};

void fact_table_clear(struct fact_table *table);

/* The bytes of chunk @i; NULL: all of them are 0. */
uint8_t *fact_table_get(const struct fact_table *table, uint64_t i);

/* The same, and it is made if it is not there.  @i: below MAX_CHUNKS.  NULL: out of memory. */
uint8_t *fact_table_add(struct fact_table *table, uint64_t i);

/* The first chunk that is there from *@i on, whose number *@i becomes.  NULL: there is none. */
uint8_t *fact_table_next(const struct fact_table *table, uint64_t *i);

#endif
