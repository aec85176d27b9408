/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control of bench/run-trace: put before libbmap.so by LD_PRELOAD, it takes the note away from
 * every other batch of $BMAP_BENCH_BATCH writes.  So one mount and one file are both the traced
 * folder and the same pass-through without a record.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

struct bmap_trace;

typedef int noter(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes);

int bmap_trace_note_write(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes);

static noter *note;
static unsigned long batch_len, n_writes; /* the writes come from one thread, one at a time */

__attribute__((constructor)) static void find_note(void)
{
	const char *text = getenv("BMAP_BENCH_BATCH");

	note = (noter *)dlsym(RTLD_NEXT, "bmap_trace_note_write");
	batch_len = text ? strtoul(text, NULL, 10) : 0;
	if (!note || batch_len == 0)
		abort();
}

int bmap_trace_note_write(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes)
{
	return n_writes++ / batch_len % 2 ? 0 : note(trace, offset_bytes, len_bytes);
}
