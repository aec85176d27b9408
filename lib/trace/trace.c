/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/bmap.h"
#include "bmap/log.h"
#include "map/digest.h"
#include "trace/trace_private.h"

#define ALL_FACTS 63
#define READ_LEN  (64 << 10)

bool bmap_trace_is_mapped(unsigned int facts, enum bmap_trace_policy policy,
			  enum bmap_punched punched)
{
	static const unsigned int mapping[] = {
		[BMAP_TRACE_SAFE] = HAS_VALUE | BMAP_READ_BY_WRITER,
		[BMAP_TRACE_STRICT] = HAS_VALUE | BMAP_READ_BY_WRITER | BMAP_READ_BY_READER,
		[BMAP_TRACE_WRITTEN] = HAS_VALUE,
	};

	if ((facts & BMAP_PUNCHED) && punched != BMAP_PUNCHED_KEEP)
		return punched == BMAP_PUNCHED_ZERO;
	return facts & mapping[policy];
}

/* ---- memory ---- */

struct bmap_trace *trace_new(const struct bmap_trace_folder *folder, const char *name)
{
	struct bmap_trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return NULL;
	if (asprintf(&trace->name, "%s%s%s", folder ? folder->path : "", folder ? "/" : "", name) <
	    0) {
		free(trace);
		return NULL;
	}
	trace->folder_fd = folder ? folder->fd : AT_FDCWD;
	trace->file_name = trace->name + strlen(trace->name) - strlen(name);
	trace->fd = -1;
	pthread_mutex_init(&trace->lock, NULL);
	return trace;
}

void bmap_trace_close(struct bmap_trace *trace)
{
	if (!trace)
		return;
	record_map_close(&trace->map);
	if (trace->fd >= 0)
		close(trace->fd);
	fact_table_clear(&trace->facts);
	free(trace->name);
	pthread_mutex_destroy(&trace->lock);
	free(trace);
}

const char *bmap_trace_name(const struct bmap_trace *trace)
{
	return trace->name;
}

uint64_t bmap_trace_size(const struct bmap_trace *trace)
{
	return trace->header.size_bytes;
}

unsigned int trace_facts(const struct bmap_trace *trace, uint64_t block)
{
	const uint8_t *chunk = fact_table_get(&trace->facts, block / CHUNK_BLOCKS);

	return chunk ? chunk[block % CHUNK_BLOCKS] : 0;
}

/* The block behind those that have the same facts as @block, or @end_block. */
static uint64_t run_end(const struct bmap_trace *trace, uint64_t block, uint64_t end_block)
{
	const unsigned int facts = trace_facts(trace, block);

	while (block < end_block) {
		uint64_t i = block / CHUNK_BLOCKS;
		const uint8_t *chunk = fact_table_next(&trace->facts, &i);
		const uint64_t first = chunk ? i * CHUNK_BLOCKS : end_block;

		/* Until there nothing has happened. */
		if (block < first && facts)
			return block;
		block = MAX(block, first);
		for (; block < MIN(end_block, first + CHUNK_BLOCKS); block++) {
			if (chunk[block % CHUNK_BLOCKS] != facts)
				return block;
		}
	}
	return end_block;
}

bool bmap_trace_next(const struct bmap_trace *trace, uint64_t first_block, uint64_t end_block,
		     struct bmap_trace_run *run)
{
	LOCKED((pthread_mutex_t *)&trace->lock);

	if (first_block >= end_block)
		return false;
	*run = (struct bmap_trace_run){
		.first_block = first_block,
		.n_blocks = run_end(trace, first_block, end_block) - first_block,
		.facts = trace_facts(trace, first_block),
	};
	return true;
}

/* ---- reading ---- */

static int damaged(const struct bmap_trace *trace, struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO, "the record '%s' is damaged", trace->name);
}

static int take_facts(struct bmap_trace *trace, const uint8_t *bytes, size_t len, uint64_t block,
		      struct bmap_error *err)
{
	for (size_t i = 0; i < len; i++, block++) {
		uint8_t *chunk;

		if (!bytes[i])
			continue;
		if ((bytes[i] & ~ALL_FACTS) || block / CHUNK_BLOCKS >= MAX_CHUNKS)
			return damaged(trace, err);
		chunk = fact_table_add(&trace->facts, block / CHUNK_BLOCKS);
		if (!chunk)
			return bmap_error_set(err, ENOMEM, "out of memory");
		chunk[block % CHUNK_BLOCKS] = bytes[i];
		trace->n_mapped += trace_is_mapped(bytes[i]);
	}
	return 0;
}

/* What is stored of the bytes behind the header. */
static int load_facts(struct bmap_trace *trace, int fd, uint64_t end, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *buf = malloc(READ_LEN);
	uint64_t at = TRACE_HEADER_LEN;

	if (!buf)
		return bmap_error_set(err, ENOMEM, "out of memory");
	while (at < end) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		ssize_t n;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data >= 0)
			at = (uint64_t)data;
		n = fd_pread_full(fd, buf, (size_t)MIN(READ_LEN, end - at), at);
		if (n <= 0)
			return bmap_error_set_system(err, n < 0 ? (int)-n : EIO,
						     "cannot read the record '%s'", trace->name);
		if (take_facts(trace, buf, (size_t)n, at - TRACE_HEADER_LEN, err) < 0)
			return -err->code;
		at += (uint64_t)n;
	}
	return 0;
}

/* Of the header's fields and of all that has happened. */
static int make_digest(const struct bmap_trace *trace, const struct trace_header *header,
		       uint8_t *result)
{
	CLEANUP(digest_type_freep) struct digest_type *type = NULL;
	CLEANUP(digest_freep) struct digest *digest = NULL;
	static const uint8_t nothing[CHUNK_BLOCKS];
	struct trace_header closed = *header;
	uint8_t bytes[TRACE_HEADER_LEN];
	struct bmap_error err = {0};
	const uint8_t *chunk;

	if (digest_type_new(&type, "sha256", &err) < 0)
		return -err.code;
	digest = digest_new(type);
	if (!digest)
		return -ENOMEM;
	closed.is_in_use = false;
	trace_header_format(&closed, bytes);
	digest_update(digest, bytes, TRACE_FIELDS_LEN);
	for (uint64_t i = 0; (chunk = fact_table_next(&trace->facts, &i)); i++) {
		uint8_t number[8];

		/* In some all was taken back. */
		if (memcmp(chunk, nothing, CHUNK_BLOCKS) == 0)
			continue;
		put_le(number, i, sizeof(number));
		digest_update(digest, number, sizeof(number));
		digest_update(digest, chunk, CHUNK_BLOCKS);
	}
	digest_finish(digest, result);
	return 0;
}

int trace_load(struct bmap_trace *trace, int fd, struct bmap_error *err)
{
	uint8_t bytes[TRACE_HEADER_LEN], digest[BMAP_MAX_DIGEST_LEN];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot read the record '%s'",
					     trace->name);
	if (!S_ISREG(st.st_mode))
		return bmap_error_set(err, EPROTO, "'%s' is no record of a trace", trace->name);
	n = fd_pread_full(fd, bytes, sizeof(bytes), 0);
	if (n < 0)
		return bmap_error_set_system(err, (int)-n, "cannot read the record '%s'",
					     trace->name);
	if ((size_t)n < sizeof(bytes))
		return bmap_error_set(err, EPROTO,
				      "'%s' is no record of a trace, or ends within its header",
				      trace->name);
	if (trace_header_parse(&trace->header, bytes, trace->name, err) < 0)
		return -err->code;
	if (trace->header.is_in_use ? trace->header.record_len > (uint64_t)st.st_size
				    : trace->header.record_len != (uint64_t)st.st_size)
		return bmap_error_set(err, EPROTO, "the record '%s' is cut or damaged",
				      trace->name);
	if (load_facts(trace, fd, (uint64_t)st.st_size, err) < 0)
		return -err->code;
	if (trace->header.is_in_use)
		return 0;
	if (make_digest(trace, &trace->header, digest) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	return memcmp(digest, trace->header.digest, TRACE_DIGEST_LEN) ? damaged(trace, err) : 0;
}

int bmap_trace_open(struct bmap_trace **trace_out, const char *path, struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct bmap_trace *trace;

	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot open the record '%s'", path);
	trace = trace_new(NULL, path);
	if (!trace)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (trace_load(trace, fd, err) < 0) {
		bmap_trace_close(trace);
		return -err->code;
	}
	/* Who writes it holds a lock. */
	if (trace->header.is_in_use && flock(fd, LOCK_SH | LOCK_NB) == 0)
		bmap_log(BMAP_LOG_WARNING,
			 "the record '%s' was not closed: it says too much rather than too little, "
			 "unless somebody else has changed the file since",
			 path);
	*trace_out = trace;
	return 0;
}

/* ---- writing ---- */

static int write_failed(const struct bmap_trace *trace, int code, struct bmap_error *err)
{
	return bmap_error_set_system(err, code, "cannot write the record '%s'", trace->name);
}

int trace_write_header(struct bmap_trace *trace)
{
	uint8_t bytes[TRACE_HEADER_LEN];

	trace_header_format(&trace->header, bytes);
	return fd_pwrite_full(trace->fd, bytes, sizeof(bytes), 0);
}

/* Gives a new record its first header. */
static int start_record(struct bmap_trace *trace, const struct trace_header *now,
			struct bmap_error *err)
{
	int r;

	trace->header = *now;
	trace->header.is_in_use = true;
	r = trace_write_header(trace);
	return r < 0 ? write_failed(trace, -r, err) : 0;
}

/* Goes on with a record that is there. */
static int resume_record(struct bmap_trace *trace, const struct trace_header *now,
			 const char *file_name, struct bmap_error *err)
{
	int r;

	if (trace_load(trace, trace->fd, err) < 0)
		return -err->code;
	if (!trace_identity_equals(&trace->header.identity, &now->identity))
		return bmap_error_set(err, ESTALE, "the record '%s' is not that of '%s'",
				      trace->name, file_name);
	if (!trace->header.is_in_use && !trace_header_is_current(&trace->header, now))
		return bmap_error_set(err, ESTALE,
				      "'%s' was changed while nobody recorded it: its record '%s' "
				      "no longer says what happened to it",
				      file_name, trace->name);
	if (!trace->header.is_in_use)
		return 0;
	bmap_log(BMAP_LOG_WARNING, "the record of '%s' was not closed, it is gone on with as it is",
		 file_name);
	/* What was noted, but never came to be. */
	r = bmap_trace_note_shrink(trace, now->size_bytes);
	return r < 0 ? write_failed(trace, -r, err) : 0;
}

static int in_use(const struct bmap_trace *trace, struct bmap_error *err)
{
	return bmap_error_set(err, EBUSY, "the record '%s' is in use by another program",
			      trace->name);
}

/* Opens the record for writing, for us alone. */
static int open_record(struct bmap_trace *trace, int flags, mode_t mode, struct bmap_error *err)
{
	/* A folder of records holds no links; a path that was given may be one. */
	if (trace->folder_fd != AT_FDCWD)
		flags |= O_NOFOLLOW;
	trace->fd = openat(trace->folder_fd, trace->file_name, O_RDWR | O_CLOEXEC | flags, mode);
	if (trace->fd < 0)
		return bmap_error_set_system(err, errno, "cannot open the record '%s'",
					     trace->name);
	if (flock(trace->fd, LOCK_EX | LOCK_NB) < 0)
		return in_use(trace, err);
	return 0;
}

/* Until it is held. */
static void close_record(struct bmap_trace *trace)
{
	record_map_close(&trace->map);
	if (trace->fd >= 0)
		close(trace->fd);
	trace->fd = -1;
}

/*
 * Makes an empty record, which gets its name when it has a header: who is killed meanwhile leaves
 * none.  Where a file without a name cannot be made it has one from the beginning on.
 */
static int make_record(struct bmap_trace *trace, bool *has_name, struct bmap_error *err)
{
	*has_name = false;
	trace->fd = openat(trace->folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (trace->fd >= 0 && flock(trace->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	close_record(trace);
	*has_name = true;
	if (open_record(trace, O_CREAT, 0600, err) < 0)
		return -err->code;
	return ftruncate(trace->fd, 0) < 0 ? write_failed(trace, errno, err) : 0;
}

static int name_record(struct bmap_trace *trace, struct bmap_error *err)
{
	CLEANUP_CLOSE int old = openat(trace->folder_fd, trace->file_name,
				       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char path[64];

	if (old >= 0 && flock(old, LOCK_EX | LOCK_NB) < 0)
		return in_use(trace, err);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", trace->fd);
	unlinkat(trace->folder_fd, trace->file_name, 0);
	return linkat(AT_FDCWD, path, trace->folder_fd, trace->file_name, AT_SYMLINK_FOLLOW) < 0
		       ? write_failed(trace, errno, err)
		       : 0;
}

static int begin_new(struct bmap_trace *trace, const struct trace_header *now, bool all_written,
		     struct bmap_error *err)
{
	bool has_name;
	int r;

	if (make_record(trace, &has_name, err) < 0 || start_record(trace, now, err) < 0)
		return -err->code;
	r = all_written ? bmap_trace_note_write(trace, 0, now->size_bytes) : 0;
	if (r < 0)
		return write_failed(trace, -r, err);
	return has_name ? 0 : name_record(trace, err);
}

/* Hands a record out that was begun, or closes it. */
static int end_begin(struct bmap_trace *trace, struct bmap_trace **trace_out,
		     const struct bmap_error *err)
{
	close_record(trace);
	if (err->code) {
		bmap_trace_close(trace);
		return -err->code;
	}
	*trace_out = trace;
	return 0;
}

int bmap_trace_begin(struct bmap_trace **trace_out, const struct bmap_trace_folder *records, int fd,
		     const char *file_name, enum bmap_trace_begin how, struct bmap_error *err)
{
	struct bmap_trace *trace;
	struct trace_header now;
	char name[TRACE_NAME_LEN];
	int r = trace_header_of_file(&now, fd);

	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot read the attributes of '%s'",
					     file_name);
	trace_file_name(&now.identity, name);
	trace = trace_new(records, name);
	if (!trace)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (how != BMAP_TRACE_GO_ON)
		(void)!begin_new(trace, &now, how == BMAP_TRACE_ALL_WRITTEN, err);
	else if (open_record(trace, 0, 0, err) == 0)
		(void)!resume_record(trace, &now, file_name, err);
	return end_begin(trace, trace_out, err);
}

int bmap_trace_begin_at(struct bmap_trace **trace_out, const char *path, uint64_t size_bytes,
			struct bmap_error *err)
{
	const struct trace_header now = {.size_bytes = size_bytes};
	struct bmap_trace *trace = trace_new(NULL, path);
	struct stat st;

	if (!trace)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (open_record(trace, O_CREAT, 0644, err) == 0) {
		if (fstat(trace->fd, &st) < 0)
			bmap_error_set_system(err, errno, "cannot read the record '%s'", path);
		else if (st.st_size == 0)
			(void)!start_record(trace, &now, err);
		else if (trace_load(trace, trace->fd, err) == 0 &&
			 (trace->header.identity.inode || trace->header.size_bytes != size_bytes))
			bmap_error_set(err, ESTALE, "the record '%s' is not that of this image",
				       path);
	}
	return end_begin(trace, trace_out, err);
}

void bmap_trace_map_records(void)
{
	record_map_allow();
}

void bmap_trace_remove(const struct bmap_trace_folder *records, int fd)
{
	struct trace_header header;
	char name[TRACE_NAME_LEN];

	if (trace_header_of_file(&header, fd) < 0)
		return;
	trace_file_name(&header.identity, name);
	unlinkat(records->fd, name, 0);
}

int bmap_trace_hold(struct bmap_trace *trace, struct bmap_error *err)
{
	LOCKED(&trace->lock);
	bool was_in_use = trace->header.is_in_use;
	int r;

	if (trace->n_holds > 0) {
		trace->n_holds++;
		return 0;
	}
	r = open_record(trace, 0, 0, err);
	if (r == 0 && !was_in_use) {
		trace->header.is_in_use = true;
		r = trace_write_header(trace);
		if (r < 0)
			write_failed(trace, -r, err);
	}
	if (r < 0) {
		trace->header.is_in_use = was_in_use;
		close_record(trace);
		return r;
	}
	/* What a user has named may be anything. */
	if (trace->folder_fd != AT_FDCWD)
		record_map_open(&trace->map, trace->fd);
	trace->n_holds = 1;
	return 0;
}

/* Writes what makes a record one that was closed.  When it fails it stays one that was not. */
static int write_end(struct bmap_trace *trace, int fd)
{
	struct trace_header closed = trace->header;
	struct stat st;
	int r = fd >= 0 ? trace_header_of_file(&closed, fd) : 0;

	if (r == 0)
		r = fstat(trace->fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		return r;
	closed.is_in_use = false;
	closed.record_len = (uint64_t)st.st_size;
	r = make_digest(trace, &closed, closed.digest);
	if (r < 0)
		return r;
	trace->header = closed;
	r = trace_write_header(trace);
	trace->header.is_in_use = r < 0;
	return r;
}

void bmap_trace_release(struct bmap_trace *trace, int fd)
{
	LOCKED(&trace->lock);
	int r;

	if (--trace->n_holds > 0)
		return;
	r = write_end(trace, fd);
	if (r < 0)
		bmap_log(BMAP_LOG_ERROR, "cannot close the record '%s': %s", trace->name,
			 strerror(-r));
	close_record(trace);
}

int bmap_trace_sync(struct bmap_trace *trace)
{
	{
		LOCKED(&trace->lock);
		if (record_map_check(&trace->map, trace->fd) < 0)
			return -EIO;
	}
	return fdatasync(trace->fd) < 0 ? -errno : 0;
}
