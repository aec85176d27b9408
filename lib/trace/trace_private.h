/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A record in memory. */
#ifndef TRACE_TRACE_PRIVATE_H
#define TRACE_TRACE_PRIVATE_H

#include <pthread.h>

#include "bmap/trace.h"
#include "trace/fact_table.h"
#include "trace/record_map.h"
#include "trace/trace_file.h"

/* A value: it makes a block mapped by the default rule, but for what was read. */
#define HAS_VALUE (BMAP_WRITTEN | BMAP_ZEROED)

/* By the rule that the record's own answers follow. */
static inline bool trace_is_mapped(unsigned int facts)
{
	return bmap_trace_is_mapped(facts, BMAP_TRACE_SAFE, BMAP_PUNCHED_KEEP);
}

struct bmap_trace {
	char *name;            /* of the record */
	int folder_fd;         /* lent: of the record's folder; AT_FDCWD */
	const char *file_name; /* in it: part of name */
	int fd;                /* guarded by lock: of the record while it is held; else -1 */
	struct record_map map; /* guarded by lock: of that file */
	struct trace_header header;
	pthread_mutex_t lock;
	struct fact_table facts; /* guarded by lock */
	uint64_t n_mapped;       /* guarded by lock */
	unsigned int n_holds;    /* guarded by lock */
};

/* Of the record @name in a folder (NULL: @name is a path).  NULL when out of memory. */
struct bmap_trace *trace_new(const struct bmap_trace_folder *folder, const char *name);

/* Writes trace->header.  0 or -errno. */
BMAP_MUST_CHECK int trace_write_header(struct bmap_trace *trace);

/* The byte of a block.  The lock is held. */
unsigned int trace_facts(const struct bmap_trace *trace, uint64_t block);

/* Reads the record in @fd, opened by somebody.  It must be closed properly unless it may be in use.
 */
BMAP_MUST_CHECK int trace_load(struct bmap_trace *trace, int fd, struct bmap_error *err);

#endif
