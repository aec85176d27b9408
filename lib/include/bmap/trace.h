/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record of what happened to the blocks of a file while it was made: facts, a byte for each
 * block (bmap-trace(5)), and the rules that turn them into a map.
 *
 * A record is either written, by who passes all reads and writes of the file on, or read.
 * Threads: a record that is written may be used by any number; one that is read by one at a time.
 */
#ifndef BMAP_TRACE_H
#define BMAP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmap/error.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

struct bmap_trace;

#define BMAP_TRACE_BLOCK_BYTES 4096
/* The first eight bytes of a record. */
#define BMAP_TRACE_MAGIC "BMAPTRCE"
/* The folder that records lie in, unless another is named. */
#define BMAP_TRACE_FOLDER ".bmap-trace"
/* The attribute of a file in a traced folder that is mounted: the path of its record. */
#define BMAP_TRACE_ATTRIBUTE "user.bmapfs.trace"

/* What a block's byte is the sum of. */
enum bmap_facts {
	BMAP_WRITTEN = 1,
	BMAP_ZEROED = 2,
	BMAP_READ_BY_WRITER = 4, /* these two: while it was neither written nor zeroed */
	BMAP_READ_BY_READER = 8,
	BMAP_PUNCHED = 16,
	BMAP_FORGOTTEN = 32,
};

enum bmap_trace_policy {
	BMAP_TRACE_SAFE,    /* mapped is what was written, zeroed or read by a writer */
	BMAP_TRACE_STRICT,  /* and what was read by a reader */
	BMAP_TRACE_WRITTEN, /* what was written or zeroed */
};

enum bmap_punched {
	BMAP_PUNCHED_KEEP, /* what the other facts say */
	BMAP_PUNCHED_ZERO, /* mapped */
	BMAP_PUNCHED_DONTCARE,
};

BMAP_API bool bmap_trace_is_mapped(unsigned int facts, enum bmap_trace_policy policy,
				   enum bmap_punched punched);

/* ---- reading ---- */

/*
 * Reads a record.  One that its writer did not close is read with a warning, unless a writer has it
 * in use.  -EPROTO: it is damaged, or none; -EOPNOTSUPP: it is newer.
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_open(struct bmap_trace **trace, const char *path,
					     struct bmap_error *err);

/*
 * Finds and reads the record of the file @image: @record names it, or a folder of records or that
 * was traced; NULL: the one that the mounted folder names, or that lies in the BMAP_TRACE_FOLDER of
 * a folder above. -ENOENT; -ESTALE: the record is of another file, or the file was changed since.
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_find(struct bmap_trace **trace, const char *image,
					     const char *record, struct bmap_error *err);

/* NULL is allowed. */
BMAP_API void bmap_trace_close(struct bmap_trace *trace);

BMAP_API const char *bmap_trace_name(const struct bmap_trace *trace);

/* The size of the file: when the record was closed, or now if it was found by the file. */
BMAP_API uint64_t bmap_trace_size(const struct bmap_trace *trace);

/* Blocks with the same facts. */
struct bmap_trace_run {
	uint64_t first_block, n_blocks;
	unsigned int facts;
};

/* The run that begins at @first_block and ends before @end_block.  false: there is none. */
BMAP_API bool bmap_trace_next(const struct bmap_trace *trace, uint64_t first_block,
			      uint64_t end_block, struct bmap_trace_run *run);

/* ---- writing ---- */

enum bmap_trace_begin {
	BMAP_TRACE_GO_ON,       /* with the record that is there; -ENOENT: none is */
	BMAP_TRACE_NEW,         /* nothing has happened to the file */
	BMAP_TRACE_ALL_WRITTEN, /* all of it was there before */
};

/* An open folder of records, and what it is called. */
struct bmap_trace_folder {
	int fd;
	const char *path;
};

/*
 * Begins to write the record of the open file @fd (O_PATH will do), called @name.  -ESTALE: the
 * file was changed since the record was closed; -EBUSY: somebody writes it.
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_begin(struct bmap_trace **trace,
					      const struct bmap_trace_folder *records, int fd,
					      const char *name, enum bmap_trace_begin how,
					      struct bmap_error *err);

/*
 * The same for something of @size_bytes bytes that is no local file: the record is the file @path,
 * new or of the same size.
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_begin_at(struct bmap_trace **trace, const char *path,
						 uint64_t size_bytes, struct bmap_error *err);

/*
 * Lets records that lie in folders be written through mappings where that is safe, which makes a
 * note several times as fast.  The process gets a handler for SIGBUS: a record that somebody else
 * cuts while it is written is an error soon (-EIO).  Any thread.
 */
BMAP_API void bmap_trace_map_records(void);

/* Forgets the record of the file @fd, which is gone. */
BMAP_API void bmap_trace_remove(const struct bmap_trace_folder *records, int fd);

/*
 * Between these the file may be changed, and the record is not closed: if the program ends, the
 * next one goes on with it.  They may be nested.  @fd: the file, whose size and times the record
 * takes at the end; -1: it is none.
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_hold(struct bmap_trace *trace, struct bmap_error *err);
BMAP_API void bmap_trace_release(struct bmap_trace *trace, int fd);

/*
 * The facts, each to be noted before the data is changed, but for what takes facts back
 * (BMAP_PUNCH_FORGETS, a file that becomes shorter): that afterwards.  0 or -errno (-ENOSPC, -EIO,
 * -EFBIG).
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_note_write(struct bmap_trace *trace, uint64_t offset_bytes,
						   uint64_t len_bytes);
BMAP_API BMAP_MUST_CHECK int bmap_trace_note_zero(struct bmap_trace *trace, uint64_t offset_bytes,
						  uint64_t len_bytes);
BMAP_API BMAP_MUST_CHECK int bmap_trace_note_read(struct bmap_trace *trace, uint64_t offset_bytes,
						  uint64_t len_bytes, bool by_writer);
BMAP_API BMAP_MUST_CHECK int bmap_trace_note_shrink(struct bmap_trace *trace, uint64_t size_bytes);

enum bmap_punch {
	BMAP_PUNCH_REFUSED,
	BMAP_PUNCH_FORGETS,
	BMAP_PUNCH_ZEROES,
};

BMAP_API BMAP_MUST_CHECK int bmap_trace_note_punch(struct bmap_trace *trace, uint64_t offset_bytes,
						   uint64_t len_bytes, enum bmap_punch punch);

/*
 * What is copied from another place or file.  To be noted before the copy, for as much as is asked
 * for, and with @is_done after it for as much as was copied: between them the facts of old and new
 * data hold.
 */
BMAP_API BMAP_MUST_CHECK int bmap_trace_note_copy(struct bmap_trace *to, uint64_t to_bytes,
						  const struct bmap_trace *from,
						  uint64_t from_bytes, uint64_t len_bytes,
						  bool is_done);

/* How many blocks of a file of this size are mapped by BMAP_TRACE_SAFE and BMAP_PUNCHED_KEEP. */
BMAP_API uint64_t bmap_trace_n_mapped(const struct bmap_trace *trace, uint64_t size_bytes);

/*
 * By the same rule: where in [offset, size) the next mapped byte is.  false: there is none.
 */
BMAP_API bool bmap_trace_find_data(const struct bmap_trace *trace, uint64_t offset_bytes,
				   uint64_t size_bytes, uint64_t *data_bytes);

/* Where the next hole begins, at the latest @size_bytes. */
BMAP_API uint64_t bmap_trace_find_hole(const struct bmap_trace *trace, uint64_t offset_bytes,
				       uint64_t size_bytes);

/* What was noted survives the end of the machine.  0 or -errno. */
BMAP_API BMAP_MUST_CHECK int bmap_trace_sync(struct bmap_trace *trace);

BMAP_END_DECLS

#endif
