/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens to blocks, written into the record: what each fact does to a block's byte. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "trace/trace_private.h"

#define BLOCK BMAP_TRACE_BLOCK_BYTES

/* What a byte becomes. */
struct change {
	unsigned int add, clear;
	bool only_without_value; /* leaves blocks alone that were written or zeroed */
	bool forgets;
};

static unsigned int apply(const struct change *change, unsigned int facts)
{
	if (change->only_without_value && (facts & HAS_VALUE))
		return facts;
	if (change->forgets)
		return change->add | (facts & (HAS_VALUE | BMAP_FORGOTTEN) ? BMAP_FORGOTTEN : 0);
	return (facts & ~change->clear) | change->add;
}

/* Gives blocks of one chunk new bytes: in the file first.  The lock is held. */
static int put_bytes(struct bmap_trace *trace, uint64_t first_block, const uint8_t *bytes, size_t n)
{
	uint8_t *chunk;
	size_t i = (size_t)(first_block / CHUNK_BLOCKS), at = first_block % CHUNK_BLOCKS;
	int r = trace_reserve(trace, i);

	if (r < 0)
		return r;
	chunk = trace_add_chunk(trace, i);
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
	r = fd_pwrite_full(trace->fd, bytes, n, TRACE_HEADER_LEN + (uint64_t)i * CHUNK_BLOCKS + at);
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
	bool leaves_zeros = apply(change, 0) == 0;

	while (first_block < end_block) {
		size_t i = (size_t)(first_block / CHUNK_BLOCKS);
		uint64_t end = MIN(end_block, (uint64_t)(i + 1) * CHUNK_BLOCKS);
		uint8_t bytes[CHUNK_BLOCKS];
		int r = 0;

		if (leaves_zeros && i >= trace->n_chunks)
			return 0;
		for (uint64_t block = first_block; block < end; block++)
			bytes[block - first_block] =
				(uint8_t)apply(change, trace_facts(trace, block));
		if (!leaves_zeros || trace->chunks[i])
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

/* All that happened to the blocks that hold any of [offset, end). */
static unsigned int facts_of(const struct bmap_trace *trace, uint64_t offset_bytes,
			     uint64_t end_bytes)
{
	unsigned int facts = 0;

	for (uint64_t block = offset_bytes / BLOCK; block < DIV_ROUND_UP(end_bytes, BLOCK); block++)
		facts |= trace_facts(trace, block);
	return facts;
}

/* What one block of the target becomes, of which [first, end) is copied from @from_bytes on. */
static unsigned int copied_facts(const struct bmap_trace *from, uint64_t from_bytes,
				 uint64_t first_bytes, uint64_t end_bytes, bool *is_whole)
{
	*is_whole = end_bytes - first_bytes == BLOCK && from_bytes % BLOCK == 0;
	return facts_of(from, from_bytes, from_bytes + (end_bytes - first_bytes));
}

int bmap_trace_note_copy(struct bmap_trace *to, uint64_t to_bytes, const struct bmap_trace *from,
			 uint64_t from_bytes, uint64_t len_bytes, bool is_done)
{
	uint64_t end = to_bytes + len_bytes;

	for (uint64_t at = to_bytes; at < end;) {
		uint64_t block_end = MIN(end, (at / BLOCK + 1) * BLOCK);
		struct change change = {0};
		unsigned int facts;
		bool is_whole;
		int r;

		{
			LOCKED((pthread_mutex_t *)&from->lock);
			facts = copied_facts(from, from_bytes + (at - to_bytes), at, block_end,
					     &is_whole);
		}
		/* As long as it may be the old data or the new, the facts of both hold. */
		change.add =
			is_whole && is_done
				? facts
				: facts & (HAS_VALUE | BMAP_READ_BY_WRITER | BMAP_READ_BY_READER);
		if (is_whole && is_done)
			change.clear = ~0U;
		else if (facts & HAS_VALUE)
			change.clear = BMAP_PUNCHED | BMAP_FORGOTTEN;
		r = change_touched(to, at, block_end - at, &change);
		if (r < 0)
			return r;
		at = block_end;
	}
	return 0;
}

/* ---- what it says now ---- */

uint64_t bmap_trace_n_mapped(const struct bmap_trace *trace)
{
	LOCKED((pthread_mutex_t *)&trace->lock);

	return trace->n_mapped;
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
