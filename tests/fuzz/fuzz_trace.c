/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of what happened to blocks, from outside.  The first byte chooses: the bytes as they are;
 * behind a header that is good and says that the record was not closed, so that they are facts; or
 * facts that lie far apart in such a record.  What can be read says the same once it was closed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/fd_io.h"
#include "bmap/trace.h"
#include "fuzz.h"

#define HEADER_LEN  4096
#define SIZE_AT     24
#define IDENTITY_AT 32
#define ENTRY_LEN   5 /* of facts that lie far apart: where, up to 16 TiB, and which */
#define MAX_RUNS    (UINT64_C(1) << 24)
#define END_BLOCK   (UINT64_C(1) << 52)

enum { AS_IT_IS, FACTS, FAR_FACTS, N_KINDS };

static void check_failure(int r, const struct bmap_error *err)
{
	if (r < 0 && (err->code != -r || !err->message[0] || strchr(err->message, '\n')))
		abort();
}

/* ---- what was read ---- */

struct summary {
	uint64_t n_runs, n_blocks, n_mapped, sum;
};

static void add(struct summary *summary, const struct bmap_trace_run *run)
{
	summary->sum = (summary->sum ^ run->n_blocks) * UINT64_C(0x100000001b3);
	summary->sum = (summary->sum ^ run->facts) * UINT64_C(0x100000001b3);
	summary->n_blocks += run->n_blocks;
	if (bmap_trace_is_mapped(run->facts, BMAP_TRACE_SAFE, BMAP_PUNCHED_KEEP))
		summary->n_mapped += run->n_blocks;
}

/* The runs follow each other, differ, and come to an end. */
static struct summary summarize(const struct bmap_trace *trace)
{
	struct bmap_trace_run run, last = {.facts = ~0U};
	struct summary summary = {0};

	while (bmap_trace_next(trace, summary.n_blocks, END_BLOCK, &run)) {
		if (run.first_block != summary.n_blocks || run.n_blocks == 0 || run.facts > 63 ||
		    run.facts == last.facts || run.n_blocks > END_BLOCK - run.first_block ||
		    summary.n_runs++ > MAX_RUNS)
			abort();
		last = run;
		add(&summary, &run);
	}
	if (summary.n_blocks != END_BLOCK ||
	    summary.n_mapped != bmap_trace_n_mapped(trace, UINT64_MAX))
		abort();
	return summary;
}

static void check_places(const struct bmap_trace *trace)
{
	uint64_t size = bmap_trace_size(trace), data = 0, hole;

	if (bmap_trace_find_data(trace, 0, size, &data) && data >= size)
		abort();
	hole = bmap_trace_find_hole(trace, 0, size);
	if (hole > size || (size && (data == 0) == (hole == 0) && data < size))
		abort();
}

/* true: it could be read. */
static bool read_record(const char *path, struct summary *summary)
{
	struct bmap_trace *trace = NULL;
	struct bmap_error err = {0};
	int r = bmap_trace_open(&trace, path, &err);

	check_failure(r, &err);
	if (r < 0) {
		if (trace)
			abort();
		return false;
	}
	*summary = summarize(trace);
	check_places(trace);
	bmap_trace_close(trace);
	return true;
}

/* What was read is gone on with and closed; then it can still be read, and says the same. */
static void close_record(const char *path, uint64_t size_bytes, const struct summary *before)
{
	struct bmap_trace *trace = NULL;
	struct bmap_error err = {0};
	struct summary after;
	int r = bmap_trace_begin_at(&trace, path, size_bytes, &err);

	check_failure(r, &err);
	if (r < 0) /* of a local file */
		return;
	if (bmap_trace_hold(trace, &err) < 0)
		abort();
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	if (!read_record(path, &after) || memcmp(before, &after, sizeof(after)) != 0)
		abort();
}

/* ---- making it ---- */

/* A good one, of @data's size, that was not closed. */
static void write_header(int fd, const uint8_t *data, size_t size)
{
	uint8_t header[HEADER_LEN] = BMAP_TRACE_MAGIC "\1\0\0\0\0\x10\0\0\0\x10\0\0\1";

	memcpy(header + SIZE_AT, data, MIN(size, IDENTITY_AT - SIZE_AT));
	if (fd_pwrite_full(fd, header, sizeof(header), 0) < 0)
		abort();
}

static void write_far_facts(int fd, const uint8_t *data, size_t size)
{
	for (; size >= ENTRY_LEN; data += ENTRY_LEN, size -= ENTRY_LEN) {
		if (fd_pwrite_full(fd, data + 4, 1, HEADER_LEN + load_le32(data)) < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct summary summary;
	uint8_t number[8] = {0};
	char path[32];
	int fd, kind;

	if (size == 0)
		return 0;
	kind = *data++ % N_KINDS;
	size--;
	fd = fd_memory_file("fuzz", data, kind == AS_IT_IS ? size : 0);
	if (fd < 0)
		abort();
	if (kind != AS_IT_IS) {
		size_t n = MIN(size, sizeof(number));

		write_header(fd, data, size);
		if (kind == FAR_FACTS)
			write_far_facts(fd, data + n, size - n);
		else if (fd_pwrite_full(fd, data + n, size - n, HEADER_LEN) < 0)
			abort();
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (read_record(path, &summary) && fd_pread_full(fd, number, sizeof(number), SIZE_AT) == 8)
		close_record(path, load_le64(number), &summary);
	close(fd);
	return 0;
}
