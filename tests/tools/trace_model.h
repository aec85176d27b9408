/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What exercise_folder knows of one traced file: its bytes, and the facts of each of its blocks as
 * bmap-trace(5) and the design (TRACE, 2 and 3) define them.  Written from these texts; nothing of
 * it is shared with the program.
 *
 * Where the texts leave open what a record says, a block is loose: it holds what the record must
 * say and what else it may say.  Who knows the record then calls model_settle() with its byte.
 *
 * Threads: none.
 */
#ifndef TRACE_MODEL_H
#define TRACE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_BLOCK_BYTES 4096

enum fact {
	FACT_WRITTEN = 1,
	FACT_ZEROED = 2,
	FACT_READ_BY_WRITER = 4,
	FACT_READ_BY_READER = 8,
	FACT_PUNCHED = 16,
	FACT_FORGOTTEN = 32,
};

/* The facts that give a block a value, and those for which it is mapped under the policy "safe". */
#define FACTS_VALUE  (FACT_WRITTEN | FACT_ZEROED)
#define FACTS_READ   (FACT_READ_BY_WRITER | FACT_READ_BY_READER)
#define FACTS_MAPPED (FACTS_VALUE | FACT_READ_BY_WRITER)
#define FACTS_GONE   (FACT_PUNCHED | FACT_FORGOTTEN)
#define FACTS_ALL    63

enum punch { PUNCH_REFUSE, PUNCH_FORGET, PUNCH_ZERO };

struct model_block {
	uint64_t number;
	uint8_t *data; /* MODEL_BLOCK_BYTES; NULL: zeros */
	uint8_t facts;
	/* Of a loose block: more that the record may say, what it need not say, and facts of which
	 * it has at least one (0: none). */
	uint8_t may_have, may_lack, one_of;
};

struct model {
	uint64_t size_bytes;
	struct model_block *blocks; /* sorted; also behind the end of the file */
	size_t n_blocks, capacity;
	size_t n_loose;
};

/* They end the program when there is no memory. */
struct model *model_new(void);
struct model *model_clone(const struct model *model);
void model_free(struct model *model);
void model_freep(struct model **model);

/* NULL: untouched, zeros. */
const struct model_block *model_find(const struct model *model, uint64_t number);
uint8_t model_facts(const struct model *model, uint64_t number);
/* The first block with @number or a higher one: an index into blocks, n_blocks if there is none. */
size_t model_first(const struct model *model, uint64_t number);
/* Its bytes, and zeros behind the end of the file. */
void model_bytes(const struct model *model, uint64_t offset_bytes, uint8_t *data, size_t len_bytes);

/* What happened to the file.  A copy between a file and itself does not overlap. */
void model_write(struct model *model, uint64_t offset_bytes, const uint8_t *data, size_t len_bytes);
/* @is_unsure: a writer closed it just now, and whether it counts any more is not known. */
void model_read(struct model *model, uint64_t offset_bytes, size_t len_bytes, bool is_writer,
		bool is_unsure);
/* Pages written through a shared mapping: the kernel may have read them first. */
void model_write_pages(struct model *model, uint64_t offset_bytes, const uint8_t *data,
		       size_t len_bytes);
void model_truncate(struct model *model, uint64_t size_bytes);
/* After a crash: what was behind the end may be forgotten, or not. */
void model_forget_behind(struct model *model);
void model_allocate(struct model *model, uint64_t offset_bytes, uint64_t len_bytes, bool keep_size);
void model_zero(struct model *model, uint64_t offset_bytes, uint64_t len_bytes, bool keep_size);
void model_punch(struct model *model, uint64_t offset_bytes, uint64_t len_bytes, enum punch punch);
void model_copy(struct model *to, uint64_t to_bytes, const struct model *from, uint64_t from_bytes,
		size_t len_bytes);

/* Whether the record may say @facts of the block. */
bool model_allows(const struct model_block *block, uint8_t facts);
/* The record says @facts: the block is not loose any more. */
void model_settle(struct model *model, uint64_t number, uint8_t facts);
/* From now on its bytes are these, whatever they were. */
void model_set_bytes(struct model *model, uint64_t number, const uint8_t *data);

/* What lseek() answers with SEEK_DATA and SEEK_HOLE under the policy "safe"; -ENXIO. */
int64_t model_seek(const struct model *model, uint64_t offset_bytes, int whence);
uint64_t model_n_mapped(const struct model *model);

#endif
