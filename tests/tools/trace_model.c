/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See trace_model.h.  Blocks that nothing was ever said of are not in the table: zeros, no facts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "trace_model.h"

static void *must_have(void *memory)
{
	if (!memory) {
		perror("exercise_folder");
		exit(99);
	}
	return memory;
}

struct model *model_new(void)
{
	return must_have(calloc(1, sizeof(struct model)));
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->n_blocks; i++)
		free(model->blocks[i].data);
	free(model->blocks);
	free(model);
}

void model_freep(struct model **model)
{
	model_free(*model);
}

struct model *model_clone(const struct model *model)
{
	struct model *clone = model_new();

	*clone = *model;
	clone->capacity = model->n_blocks;
	clone->blocks = must_have(calloc(model->n_blocks + 1, sizeof(*model->blocks)));
	for (size_t i = 0; i < model->n_blocks; i++) {
		struct model_block *block = &clone->blocks[i];

		*block = model->blocks[i];
		if (!block->data)
			continue;
		block->data = must_have(malloc(MODEL_BLOCK_BYTES));
		memcpy(block->data, model->blocks[i].data, MODEL_BLOCK_BYTES);
	}
	return clone;
}

size_t model_first(const struct model *model, uint64_t number)
{
	size_t low = 0, high = model->n_blocks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (model->blocks[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct model_block *model_find(const struct model *model, uint64_t number)
{
	size_t i = model_first(model, number);

	return i < model->n_blocks && model->blocks[i].number == number ? &model->blocks[i] : NULL;
}

uint8_t model_facts(const struct model *model, uint64_t number)
{
	const struct model_block *block = model_find(model, number);

	return block ? block->facts : 0;
}

/* Valid until the next call. */
static struct model_block *block_at(struct model *model, uint64_t number)
{
	size_t i = model_first(model, number);

	if (i < model->n_blocks && model->blocks[i].number == number)
		return &model->blocks[i];
	if (model->n_blocks == model->capacity) {
		model->capacity = 2 * model->capacity + 16;
		model->blocks =
			must_have(realloc(model->blocks, model->capacity * sizeof(*model->blocks)));
	}
	memmove(&model->blocks[i + 1], &model->blocks[i],
		(model->n_blocks - i) * sizeof(*model->blocks));
	model->n_blocks++;
	model->blocks[i] = (struct model_block){.number = number};
	return &model->blocks[i];
}

/* ---- bytes ---- */

/* The part of the block @number that lies in the range: its first byte in the block, its length. */
static size_t part_of(uint64_t number, uint64_t offset_bytes, uint64_t len_bytes, size_t *at)
{
	uint64_t start = number * MODEL_BLOCK_BYTES;
	uint64_t first = MAX(start, offset_bytes);
	uint64_t end = MIN(start + MODEL_BLOCK_BYTES, offset_bytes + len_bytes);

	*at = (size_t)(first - start);
	return first < end ? (size_t)(end - first) : 0;
}

/* Blocks of a range that is not empty. */
static uint64_t first_of(uint64_t offset_bytes)
{
	return offset_bytes / MODEL_BLOCK_BYTES;
}

static uint64_t end_of(uint64_t offset_bytes, uint64_t len_bytes)
{
	return DIV_ROUND_UP(offset_bytes + len_bytes, MODEL_BLOCK_BYTES);
}

void model_bytes(const struct model *model, uint64_t offset_bytes, uint8_t *data, size_t len_bytes)
{
	uint64_t end = end_of(offset_bytes, len_bytes);

	memset(data, 0, len_bytes);
	for (size_t i = model_first(model, first_of(offset_bytes));
	     i < model->n_blocks && model->blocks[i].number < end; i++) {
		const struct model_block *block = &model->blocks[i];
		size_t at, len = part_of(block->number, offset_bytes, len_bytes, &at);
		uint64_t place = block->number * MODEL_BLOCK_BYTES + at - offset_bytes;

		if (block->data)
			memcpy(data + place, block->data + at, len);
	}
}

static void put_bytes(struct model *model, uint64_t offset_bytes, const uint8_t *data,
		      size_t len_bytes)
{
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++) {
		struct model_block *block = block_at(model, n);
		size_t at, len = part_of(n, offset_bytes, len_bytes, &at);

		if (!block->data)
			block->data = must_have(calloc(1, MODEL_BLOCK_BYTES));
		memcpy(block->data + at, data + (n * MODEL_BLOCK_BYTES + at - offset_bytes), len);
	}
	model->size_bytes = MAX(model->size_bytes, offset_bytes + len_bytes);
}

static void clear_bytes(struct model *model, uint64_t offset_bytes, uint64_t len_bytes)
{
	uint64_t end = end_of(offset_bytes, len_bytes);

	for (size_t i = model_first(model, first_of(offset_bytes));
	     i < model->n_blocks && model->blocks[i].number < end; i++) {
		struct model_block *block = &model->blocks[i];
		size_t at, len = part_of(block->number, offset_bytes, len_bytes, &at);

		if (block->data)
			memset(block->data + at, 0, len);
	}
}

void model_set_bytes(struct model *model, uint64_t number, const uint8_t *data)
{
	struct model_block *block = block_at(model, number);

	if (!block->data)
		block->data = must_have(malloc(MODEL_BLOCK_BYTES));
	memcpy(block->data, data, MODEL_BLOCK_BYTES);
}

/* ---- facts ---- */

bool model_allows(const struct model_block *block, uint8_t facts)
{
	return (facts & ~(block->facts | block->may_have)) == 0 &&
	       (block->facts & ~block->may_lack & ~facts) == 0 &&
	       (block->one_of == 0 || (facts & block->one_of) != 0);
}

static bool is_loose(const struct model_block *block)
{
	return block->may_have || block->may_lack || block->one_of;
}

void model_settle(struct model *model, uint64_t number, uint8_t facts)
{
	struct model_block *block = block_at(model, number);

	model->n_loose -= is_loose(block);
	block->facts = facts;
	block->may_have = block->may_lack = block->one_of = 0;
}

static void set_facts(struct model *model, uint64_t number, uint8_t facts)
{
	if (facts || model_find(model, number))
		model_settle(model, number, facts);
}

/* The record says @facts, without some of @may_lack, with some of @may_have, with one of @one_of.
 */
static void set_loose(struct model *model, uint64_t number, uint8_t facts, uint8_t may_have,
		      uint8_t may_lack, uint8_t one_of)
{
	struct model_block *block;

	set_facts(model, number, facts);
	may_have &= (uint8_t)~facts;
	may_lack &= facts;
	if (!may_have && !may_lack)
		return;
	block = block_at(model, number);
	block->may_have = may_have;
	block->may_lack = may_lack;
	block->one_of = one_of;
	model->n_loose++;
}

/* The record says @one or @other, or anything between. */
static void set_either(struct model *model, uint64_t number, uint8_t one, uint8_t other)
{
	set_loose(model, number, one, other, (uint8_t)(one & ~other), 0);
}

void model_write(struct model *model, uint64_t offset_bytes, const uint8_t *data, size_t len_bytes)
{
	if (len_bytes == 0)
		return;
	put_bytes(model, offset_bytes, data, len_bytes);
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++)
		set_facts(model, n, (model_facts(model, n) | FACT_WRITTEN) & ~FACTS_GONE);
}

void model_write_pages(struct model *model, uint64_t offset_bytes, const uint8_t *data,
		       size_t len_bytes)
{
	put_bytes(model, offset_bytes, data, len_bytes);
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++) {
		uint8_t facts = model_facts(model, n);
		uint8_t read = facts & FACTS_VALUE ? 0 : FACTS_READ;

		set_loose(model, n, (facts | FACT_WRITTEN) & ~FACTS_GONE, read, 0, 0);
	}
}

void model_read(struct model *model, uint64_t offset_bytes, size_t len_bytes, bool is_writer,
		bool is_unsure)
{
	if (len_bytes == 0)
		return;
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++) {
		uint8_t facts = model_facts(model, n);

		if (facts & FACTS_VALUE)
			continue;
		if (is_writer)
			set_facts(model, n, facts | FACT_READ_BY_WRITER);
		else if (!is_unsure)
			set_facts(model, n, facts | FACT_READ_BY_READER);
		else
			set_loose(model, n, facts | FACT_READ_BY_READER, FACT_READ_BY_WRITER,
				  facts & FACT_READ_BY_READER ? 0 : FACT_READ_BY_READER,
				  FACTS_READ);
	}
}

/* What a block has left that lost its bytes. */
static uint8_t forget(uint8_t facts)
{
	if (!(facts & FACTS_VALUE))
		return facts;
	return (uint8_t)((facts & ~(FACTS_VALUE | FACTS_READ)) | FACT_FORGOTTEN);
}

void model_truncate(struct model *model, uint64_t size_bytes)
{
	uint64_t old_bytes = model->size_bytes;

	model->size_bytes = size_bytes;
	/* To the same size: behind it there may be facts, too. */
	if (size_bytes > old_bytes)
		return;
	clear_bytes(model, size_bytes, old_bytes - size_bytes);
	/* A block that is cut in two keeps what it has.  Of one that was read or punched and had no
	 * value the texts do not say whether that is taken back; it is zeros in any case. */
	for (size_t i = model_first(model, end_of(size_bytes, 0)); i < model->n_blocks; i++) {
		uint64_t n = model->blocks[i].number;
		uint8_t facts = model->blocks[i].facts;

		set_loose(model, n, forget(facts), 0, FACTS_READ | FACT_PUNCHED, 0);
	}
}

void model_forget_behind(struct model *model)
{
	for (size_t i = model_first(model, end_of(model->size_bytes, 0)); i < model->n_blocks;
	     i++) {
		uint8_t facts = model->blocks[i].facts;

		set_loose(model, model->blocks[i].number, facts, forget(facts),
			  FACTS_ALL & ~FACT_FORGOTTEN, 0);
	}
}

void model_allocate(struct model *model, uint64_t offset_bytes, uint64_t len_bytes, bool keep_size)
{
	if (!keep_size)
		model->size_bytes = MAX(model->size_bytes, offset_bytes + len_bytes);
}

/* Whether the range has bytes of the block, or of what the file has of it. */
static bool touches_file(const struct model *model, uint64_t n, uint64_t offset_bytes)
{
	return MAX(n * MODEL_BLOCK_BYTES, offset_bytes) < model->size_bytes;
}

void model_zero(struct model *model, uint64_t offset_bytes, uint64_t len_bytes, bool keep_size)
{
	model_allocate(model, offset_bytes, len_bytes, keep_size);
	clear_bytes(model, offset_bytes, len_bytes);
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++) {
		uint8_t facts = model_facts(model, n);
		uint8_t zeroed = (uint8_t)((facts | FACT_ZEROED) & ~FACTS_GONE);

		/* Behind the end there is nothing to be zeroed, and the texts say nothing. */
		if (touches_file(model, n, offset_bytes))
			set_facts(model, n, zeroed);
		else
			set_either(model, n, facts, zeroed);
	}
}

/* Of a block all of which was punched; @is_sure: within the file. */
static void punch_whole(struct model *model, uint64_t n, enum punch punch, bool is_sure)
{
	uint8_t facts = model_facts(model, n);
	uint8_t punched = facts | FACT_PUNCHED;

	switch (punch) {
	case PUNCH_REFUSE:
		break;
	case PUNCH_FORGET:
		/* What was read and had no value: "don't care again" (TRACE, 3), while the format
		 * takes facts back of what was written or zeroed only. */
		if (!(facts & FACTS_VALUE)) {
			set_loose(model, n, is_sure ? punched : facts, punched, FACTS_READ, 0);
			return;
		}
		punched = forget(facts) | FACT_PUNCHED;
		break;
	case PUNCH_ZERO:
		punched = (uint8_t)((facts | FACT_ZEROED) & ~FACTS_GONE);
		if (is_sure) {
			/* Punched and zeroed by one and the same call: with 16 or without. */
			set_loose(model, n, punched, FACT_PUNCHED, 0, 0);
			return;
		}
		punched |= FACT_PUNCHED;
		break;
	}
	if (is_sure)
		set_facts(model, n, punched);
	else
		set_either(model, n, facts, punched);
}

/* Of a block a part of which was punched.  The texts do not say; it keeps its value if it has one.
 */
static void punch_part(struct model *model, uint64_t n, enum punch punch, uint8_t may_have)
{
	uint8_t facts = model_facts(model, n);

	switch (punch) {
	case PUNCH_REFUSE:
		break;
	case PUNCH_FORGET:
		set_loose(model, n, facts, FACTS_VALUE | may_have, FACTS_GONE,
			  facts & FACTS_VALUE ? FACTS_VALUE : 0);
		break;
	case PUNCH_ZERO:
		/* Zeros were promised, so that it has a value now. */
		set_loose(model, n, facts | FACT_ZEROED, may_have,
			  FACTS_GONE | (facts & FACT_WRITTEN ? FACT_ZEROED : 0), FACTS_VALUE);
		break;
	}
}

/* Zeros behind the end that nobody writes, but for which the file is made longer later. */
static void pass_over(struct model *model, uint64_t offset_bytes, uint64_t len_bytes)
{
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++)
		set_facts(model, n, (uint8_t)((model_facts(model, n) | FACT_ZEROED) & ~FACTS_GONE));
}

void model_punch(struct model *model, uint64_t offset_bytes, uint64_t len_bytes, enum punch punch)
{
	uint64_t end_bytes = offset_bytes + len_bytes;

	if (punch != PUNCH_REFUSE)
		clear_bytes(model, offset_bytes, len_bytes);
	if (offset_bytes >= model->size_bytes) {
		pass_over(model, offset_bytes, len_bytes);
		return;
	}
	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++) {
		uint64_t start = n * MODEL_BLOCK_BYTES;
		bool is_inside = start + MODEL_BLOCK_BYTES <= model->size_bytes;
		bool is_whole = start >= offset_bytes && start + MODEL_BLOCK_BYTES <= end_bytes;
		/* All that the file has of its last block. */
		bool is_rest = start >= offset_bytes && end_bytes >= model->size_bytes;

		if (is_whole && is_inside)
			punch_whole(model, n, punch, true);
		else if (touches_file(model, n, offset_bytes) &&
			 (punch == PUNCH_ZERO || !(is_whole || is_rest)))
			punch_part(model, n, punch, is_whole || is_rest ? FACT_PUNCHED : 0);
		else
			punch_whole(model, n, punch, false);
	}
}

/* All facts of the blocks that the range touches. */
static uint8_t facts_of(const struct model *model, uint64_t offset_bytes, uint64_t len_bytes)
{
	uint8_t facts = 0;

	for (uint64_t n = first_of(offset_bytes); n < end_of(offset_bytes, len_bytes); n++)
		facts |= model_facts(model, n);
	return facts;
}

/* Of these one must be left, so that what was mapped, or had a value, still is and has. */
static uint8_t must_keep(uint8_t facts)
{
	if (facts & FACTS_VALUE)
		return FACTS_VALUE;
	return facts & FACTS_MAPPED ? FACTS_MAPPED : 0;
}

void model_copy(struct model *to, uint64_t to_bytes, const struct model *from, uint64_t from_bytes,
		size_t len_bytes)
{
	struct model *before = model_clone(from);
	uint8_t *data = must_have(malloc(len_bytes + 1));
	bool is_aligned = to_bytes % MODEL_BLOCK_BYTES == from_bytes % MODEL_BLOCK_BYTES;

	model_bytes(from, from_bytes, data, len_bytes);
	put_bytes(to, to_bytes, data, len_bytes);
	for (uint64_t n = first_of(to_bytes); len_bytes && n < end_of(to_bytes, len_bytes); n++) {
		size_t at, len = part_of(n, to_bytes, len_bytes, &at);
		uint64_t from_here = n * MODEL_BLOCK_BYTES + at - to_bytes + from_bytes;
		uint8_t source = facts_of(before, from_here, len);
		uint8_t facts = model_facts(to, n), both = facts | source;

		if (is_aligned && len == MODEL_BLOCK_BYTES)
			set_facts(to, n, source);
		else if (is_aligned && at == 0 && to_bytes + len_bytes == to->size_bytes)
			/* All that the file has of it. */
			set_loose(to, n, source, facts | FACT_WRITTEN, source, must_keep(source));
		else
			/* A part, or parts of two: whoever has a value must not lose it. */
			set_loose(to, n, both, FACT_WRITTEN, both, must_keep(both));
	}
	free(data);
	model_free(before);
}

/* ---- questions ---- */

int64_t model_seek(const struct model *model, uint64_t offset_bytes, int whence)
{
	uint64_t n = first_of(offset_bytes), at = offset_bytes;

	if (offset_bytes >= model->size_bytes)
		return -ENXIO;
	if (whence == SEEK_HOLE) {
		while (model_facts(model, n) & FACTS_MAPPED)
			at = ++n * MODEL_BLOCK_BYTES;
		return (int64_t)MIN(at, model->size_bytes);
	}
	for (size_t i = model_first(model, n); i < model->n_blocks; i++) {
		uint64_t start = model->blocks[i].number * MODEL_BLOCK_BYTES;

		if (start >= model->size_bytes)
			break;
		if (model->blocks[i].facts & FACTS_MAPPED)
			return (int64_t)MAX(start, offset_bytes);
	}
	return -ENXIO;
}

uint64_t model_n_mapped(const struct model *model)
{
	uint64_t n = 0;

	for (size_t i = 0; i < model->n_blocks; i++) {
		const struct model_block *block = &model->blocks[i];

		n += block->number * MODEL_BLOCK_BYTES < model->size_bytes &&
		     (block->facts & FACTS_MAPPED) != 0;
	}
	return n;
}
