/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to blocks, written into the record: what each fact does to a block's byte. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "trace/trace_private.h"

#define BLOCK BMAP_TRACE_BLOCK_BYTES
/* So much longer, and its header is written anew: a page. */
#define LEN_STEP 4096

/* What a byte becomes. */
struct change {
	unsigned int add, clear;
	bool only_without_value; /* leaves blocks alone that were written or zeroed */
	bool forgets;
	bool joins; /* the byte is to say what it says and what @add says */
};

/*
 * The facts of a block that holds old data or new, or some of each: by every rule it is mapped when
 * either is.
 */
static unsigned int join(unsigned int a, unsigned int b)
{
	const unsigned int not_punched = a & BMAP_PUNCHED ? b : a;
	unsigned int both = a | b;

	if (((a ^ b) & BMAP_PUNCHED) &&
	    (not_punched & (HAS_VALUE | BMAP_READ_BY_WRITER | BMAP_READ_BY_READER))) {
		both &= ~(unsigned int)BMAP_PUNCHED;
		if (!(both & HAS_VALUE))
			both |= BMAP_WRITTEN;
	}
	return both & HAS_VALUE ? both & ~(unsigned int)BMAP_FORGOTTEN : both;
}

static unsigned int apply(const struct change *change, unsigned int facts)
{
	if (change->only_without_value && (facts & HAS_VALUE))
		return facts;
	if (change->joins)
		return join(facts, change->add);
	if (change->forgets)
		return change->add | (facts & (HAS_VALUE | BMAP_FORGOTTEN) ? BMAP_FORGOTTEN : 0);
	return (facts & ~change->clear) | change->add;
}

/* A record that is shorter than its header says was cut, also when it was never closed. */
static int note_length(struct bmap_trace *trace)
{
	if (trace->map.len_bytes < trace->header.record_len + LEN_STEP)
		return 0;
	trace->header.record_len = trace->map.len_bytes;
	return trace_write_header(trace);
}

/* Gives blocks of one chunk new bytes: in the file first.  The lock is held. */
static int put_bytes(struct bmap_trace *trace, uint64_t first_block, const uint8_t *bytes, size_t n)
{
	const uint64_t i = first_block / CHUNK_BLOCKS;
	uint8_t *chunk;
	size_t at = first_block % CHUNK_BLOCKS;
	int r;

	if (i >= MAX_CHUNKS)
		return -EFBIG;
	chunk = fact_table_add(&trace->facts, i);
	if (!chunk)
		return -ENOMEM;
	while (n && bytes[n - 1] == chunk[at + n - 1])
		n--;
	while (n && bytes[0] == chunk[at]) {
		bytes++;
		at++;
		n--;
	}
	if (n == 0)
		return 0;
	r = record_map_write(&trace->map, trace->fd, bytes, n,
			     TRACE_HEADER_LEN + i * CHUNK_BLOCKS + at);
	if (r == 0)
		r = note_length(trace);
	if (r < 0)
		return r;
	for (size_t k = 0; k < n; k++) {
		trace->n_mapped -= trace_is_mapped(chunk[at + k]);
		trace->n_mapped += trace_is_mapped(bytes[k]);
	}
	memcpy(chunk + at, bytes, n);
	return 0;
}

/* Changes the blocks [first, end). */
static int change_blocks(struct bmap_trace *trace, uint64_t first_block, uint64_t end_block,
			 const struct change *change)
{
	LOCKED(&trace->lock);
	const bool leaves_zeros = apply(change, 0) == 0;

	while (first_block < end_block) {
		static const uint8_t nothing[CHUNK_BLOCKS];
		uint64_t i = first_block / CHUNK_BLOCKS, end;
		const uint8_t *chunk = leaves_zeros ? fact_table_next(&trace->facts, &i)
						    : fact_table_get(&trace->facts, i);
		uint8_t bytes[CHUNK_BLOCKS];
		int r;

		/* Where nothing has happened nothing changes. */
		if (leaves_zeros && (!chunk || i * CHUNK_BLOCKS >= end_block))
			return 0;
		first_block = MAX(first_block, i * CHUNK_BLOCKS);
		end = MIN(end_block, (i + 1) * CHUNK_BLOCKS);
		if (!chunk)
			chunk = nothing;
		for (uint64_t block = first_block; block < end; block++)
			bytes[block - first_block] =
				(uint8_t)apply(change, chunk[block % CHUNK_BLOCKS]);
		r = put_bytes(trace, first_block, bytes, (size_t)(end - first_block));
		if (r < 0)
			return r;
		first_block = end;
	}
	return 0;
}

/* The blocks that hold any of the bytes. */
static int change_touched(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes,
			  const struct change *change)
{
	uint64_t end;

	if (len_bytes == 0)
		return 0;
	if (ckd_add(&end, offset_bytes, len_bytes))
		return -EFBIG;
	return change_blocks(trace, offset_bytes / BLOCK, DIV_ROUND_UP(end, BLOCK), change);
}

/* The blocks of which all bytes are among them. */
static int change_whole(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes,
			const struct change *change)
{
	uint64_t end;

	if (ckd_add(&end, offset_bytes, len_bytes))
		return -EFBIG;
	return change_blocks(trace, DIV_ROUND_UP(offset_bytes, BLOCK), end / BLOCK, change);
}

int bmap_trace_note_write(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes)
{
	const struct change change = {
		.add = BMAP_WRITTEN,
		.clear = BMAP_PUNCHED | BMAP_FORGOTTEN,
	};

	return change_touched(trace, offset_bytes, len_bytes, &change);
}

int bmap_trace_note_zero(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes)
{
	const struct change change = {
		.add = BMAP_ZEROED,
		.clear = BMAP_PUNCHED | BMAP_FORGOTTEN,
	};

	return change_touched(trace, offset_bytes, len_bytes, &change);
}

int bmap_trace_note_read(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes,
			 bool by_writer)
{
	const struct change change = {
		.add = by_writer ? BMAP_READ_BY_WRITER : BMAP_READ_BY_READER,
		.only_without_value = true,
	};

	return change_touched(trace, offset_bytes, len_bytes, &change);
}

int bmap_trace_note_shrink(struct bmap_trace *trace, uint64_t size_bytes)
{
	static const struct change change = {.forgets = true};

	return change_blocks(trace, DIV_ROUND_UP(size_bytes, BLOCK), UINT64_MAX, &change);
}

int bmap_trace_note_punch(struct bmap_trace *trace, uint64_t offset_bytes, uint64_t len_bytes,
			  enum bmap_punch punch)
{
	static const struct change changes[] = {
		[BMAP_PUNCH_REFUSED] = {.add = BMAP_PUNCHED},
		[BMAP_PUNCH_FORGETS] = {.add = BMAP_PUNCHED, .forgets = true},
		[BMAP_PUNCH_ZEROES] = {.add = BMAP_ZEROED | BMAP_PUNCHED},
	};
	int r = 0;

	/* Of a block that is punched in part some bytes have become zeros. */
	if (punch == BMAP_PUNCH_ZEROES)
		r = bmap_trace_note_zero(trace, offset_bytes, len_bytes);
	return r < 0 ? r : change_whole(trace, offset_bytes, len_bytes, &changes[punch]);
}

/* All that happened to the blocks that hold any of the bytes. */
static unsigned int facts_of(const struct bmap_trace *trace, uint64_t offset_bytes,
			     uint64_t len_bytes)
{
	LOCKED((pthread_mutex_t *)&trace->lock);
	const uint64_t end_block = DIV_ROUND_UP(offset_bytes + len_bytes, BLOCK);
	uint64_t block = offset_bytes / BLOCK;
	unsigned int facts = trace_facts(trace, block++);

	for (; block < end_block; block++)
		facts = join(facts, trace_facts(trace, block));
	return facts;
}

int bmap_trace_note_copy(struct bmap_trace *to, uint64_t to_bytes, const struct bmap_trace *from,
			 uint64_t from_bytes, uint64_t len_bytes, bool is_done)
{
	uint64_t end, from_end;

	if (ckd_add(&end, to_bytes, len_bytes) || ckd_add(&from_end, from_bytes, len_bytes))
		return -EFBIG;
	for (uint64_t at = to_bytes; at < end;) {
		const uint64_t len = MIN(end, (at / BLOCK + 1) * BLOCK) - at;
		const uint64_t from_at = from_bytes + (at - to_bytes);
		const bool is_whole = len == BLOCK && from_at % BLOCK == 0;
		struct change change = {.add = facts_of(from, from_at, len)};
		int r;

		if (is_whole && is_done)
			change.clear = ~0U;
		else
			change.joins = true;
		r = change_touched(to, at, len, &change);
		if (r < 0)
			return r;
		at += len;
	}
	return 0;
}

/* ---- what it says now ---- */

uint64_t bmap_trace_n_mapped(const struct bmap_trace *trace, uint64_t size_bytes)
{
	LOCKED((pthread_mutex_t *)&trace->lock);
	const uint64_t end_block = DIV_ROUND_UP(size_bytes, BLOCK);
	uint64_t n = trace->n_mapped;
	const uint8_t *chunk;

	/* Behind the end there may be zeros for which the file was not made longer yet. */
	for (uint64_t i = end_block / CHUNK_BLOCKS; (chunk = fact_table_next(&trace->facts, &i));
	     i++) {
		for (uint64_t block = MAX(end_block, i * CHUNK_BLOCKS);
		     block < (i + 1) * CHUNK_BLOCKS; block++)
			n -= trace_is_mapped(chunk[block % CHUNK_BLOCKS]);
	}
	return n;
}

/* The first byte from @offset on whose block is mapped, or is not. */
static uint64_t seek(const struct bmap_trace *trace, uint64_t offset_bytes, uint64_t size_bytes,
		     bool mapped)
{
	uint64_t end_block = DIV_ROUND_UP(size_bytes, BLOCK), block = offset_bytes / BLOCK;
	struct bmap_trace_run run;

	while (bmap_trace_next(trace, block, end_block, &run)) {
		if (trace_is_mapped(run.facts) == mapped)
			return MIN(size_bytes, MAX(offset_bytes, block * BLOCK));
		block += run.n_blocks;
	}
	return size_bytes;
}

bool bmap_trace_find_data(const struct bmap_trace *trace, uint64_t offset_bytes,
			  uint64_t size_bytes, uint64_t *data_bytes)
{
	*data_bytes = seek(trace, offset_bytes, size_bytes, true);
	return *data_bytes < size_bytes;
}

uint64_t bmap_trace_find_hole(const struct bmap_trace *trace, uint64_t offset_bytes,
			      uint64_t size_bytes)
{
	return seek(trace, offset_bytes, size_bytes, false);
}
