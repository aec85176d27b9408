/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data of traced files.  Each callback notes a fact and passes the request on; the fact first,
 * but where facts are taken back: then the record says too much when we are killed in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/log.h"
#include "folder_private.h"

#define BLOCK     BMAP_TRACE_BLOCK_BYTES
#define ZEROS_LEN (256 << 10)
#define COPY_LEN  (1 << 20)
#define MAX_COPY  (64 << 20)
/* What a program zeroes at once is noted and made in steps of this size: 256 KiB of facts. */
#define MAX_ZEROED (UINT64_C(1) << 30)
/*
 * So many blocks of a file may count as zeros behind its end, 16 GiB: they take memory and room for
 * their facts, and stat(2) counts them (92 million took 0.3 s, on 2026-11-27).
 */
#define MAX_BLOCKS_BEHIND (UINT64_C(1) << 22)

/* A request that another thread answers, because it may take long. */
struct later {
	fuse_req_t request;
	struct node *node;
	struct handle *handle;
	uint64_t offset, len;
	int mode; /* of fallocate(); of fsync: data only */
	/* copying */
	struct node *from_node;
	struct handle *from;
	uint64_t from_offset;
};

static void answer_later(const struct later *later, session_work *work)
{
	struct later *copy = malloc(sizeof(*copy));

	if (!copy) {
		fuse_reply_err(later->request, ENOMEM);
		return;
	}
	*copy = *later;
	session_defer(work, copy);
}

void folder_set_blocks(struct folder *folder, struct node *node, struct stat *st)
{
	if (S_ISREG(st->st_mode))
		st->st_blocks =
			(blkcnt_t)(node_mapped_blocks(folder->nodes, node, (uint64_t)st->st_size) *
				   (BLOCK / 512));
}

/* ---- opening ---- */

/* The kernel's offsets are the ones that count, and our buffers are not aligned. */
static int open_flags(int flags)
{
	return (flags & ~(O_NOFOLLOW | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECT)) |
	       O_NONBLOCK | O_CLOEXEC;
}

static int hold_trace(struct folder *folder, struct node *node, struct handle *handle)
{
	bool makes = handle->writes || folder->mount->assumed == ASSUME_UNWRITTEN;
	struct bmap_trace *trace;
	int r = node_hold(folder->nodes, node, makes ? NODE_WRITE : NODE_LOOK, &trace);

	handle->trace = trace;
	return r;
}

/* The record of a file that had none when it was opened, and may have been given one since. */
static struct bmap_trace *current_trace(struct folder *folder, struct node *node,
					struct handle *handle)
{
	struct bmap_trace *trace = handle->trace;
	struct bmap_error err = {0};

	if (trace || node_trace(folder->nodes, node, NODE_LOOK, &trace) < 0 || !trace)
		return trace;
	LOCKED(&node->lock);
	if (!handle->trace && bmap_trace_hold(trace, &err) == 0)
		handle->trace = trace;
	return handle->trace;
}

static void log_open(const struct folder *folder, struct node *node, struct handle *handle)
{
	struct event_log *events = folder->mount->events;

	handle->name = events ? node_name(node) : NULL;
	if (!handle->name)
		return;
	if (!atomic_flag_test_and_set(&node->is_in_journal))
		event_log_file(events, handle->name, "add");
	event_log_file(events, handle->name, "open");
}

static void log_bytes(fuse_req_t request, const struct handle *handle, const char *action,
		      uint64_t offset, uint64_t len)
{
	if (handle->name)
		event_log_bytes(get_folder(request)->mount->events, handle->name, action, offset,
				len);
}

static void close_handle(struct folder *folder, struct opened *opened)
{
	struct handle *handle = (struct handle *)opened;

	if (handle->name)
		event_log_file(folder->mount->events, handle->name, "close");
	if (handle->writes)
		atomic_fetch_sub(&handle->node->n_writers, 1);
	if (handle->trace)
		bmap_trace_release(handle->trace, handle->fd);
	close(handle->fd);
	free(handle->name);
	free(handle);
}

int folder_open_node(struct folder *folder, struct node *node, int fd, struct fuse_file_info *file)
{
	struct handle *handle = calloc(1, sizeof(*handle));
	int r = handle ? 0 : -ENOMEM;

	/* All others the kernel opens itself. */
	if (!S_ISREG(node->type))
		r = -ENXIO;
	if (r == 0 && fd < 0) {
		fd = open(node_path(node).text, open_flags(file->flags));
		r = fd < 0 ? -errno : 0;
	}
	if (r == 0) {
		handle->fd = fd;
		handle->writes = (file->flags & O_ACCMODE) != O_RDONLY;
		r = hold_trace(folder, node, handle);
	}
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		free(handle);
		return r;
	}
	if (handle->writes)
		atomic_fetch_add(&node->n_writers, 1);
	log_open(folder, node, handle);
	handle->node = node;
	handle->opened.close = close_handle;
	folder_note_opened(folder, &handle->opened);
	file->fh = (uint64_t)(uintptr_t)handle;
	file->direct_io = 1; /* requests come as they were made, without what the kernel adds */
	file->noflush = 1;
	return 0;
}

void folder_on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct folder *folder = get_folder(request);
	int r = folder_open_node(folder, get_node(folder, inode), -1, file);

	if (r < 0)
		fuse_reply_err(request, -r);
	else
		fuse_reply_open(request, file);
}

void folder_on_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)inode;
	folder_close(get_folder(request), &get_handle(file)->opened);
	fuse_reply_err(request, 0);
}

/* ---- reading and writing ---- */

/* Answers a read with what was read, or an error. */
static void reply_read(const struct later *read, const char *buf, ssize_t n)
{
	struct bmap_trace *trace =
		current_trace(get_folder(read->request), read->node, read->handle);
	bool by_writer = read->handle->writes || atomic_load(&read->node->n_writers) > 0;
	int r = 0;

	if (n > 0)
		log_bytes(read->request, read->handle, "read", read->offset, (uint64_t)n);
	if (n > 0 && trace)
		r = bmap_trace_note_read(trace, read->offset, (uint64_t)n, by_writer);
	if (n < 0 || r < 0)
		fuse_reply_err(read->request, (int)(n < 0 ? -n : -r));
	else
		fuse_reply_buf(read->request, buf, (size_t)n);
}

static void read_later(void *opaque)
{
	CLEANUP_FREE struct later *read = opaque;
	char *buf = session_answer_buffer(read->len);

	reply_read(read, buf,
		   buf ? fd_pread_full(read->handle->fd, buf, read->len, read->offset) : -ENOMEM);
}

void folder_on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *file)
{
	const struct later read = {
		.request = request,
		.node = get_node(get_folder(request), inode),
		.handle = get_handle(file),
		.offset = (uint64_t)offset,
		.len = size,
	};
	struct iovec part = {.iov_base = session_answer_buffer(size), .iov_len = size};
	ssize_t n = part.iov_base ? preadv2(read.handle->fd, &part, 1, offset, RWF_NOWAIT) : 0;

	/* What is not in memory, or not all of it, may be waited for. */
	if (n == (ssize_t)size)
		reply_read(&read, part.iov_base, n);
	else
		answer_later(&read, read_later);
}

void folder_drop_privileges(fuse_req_t request, int fd)
{
	struct stat st;
	mode_t lost = S_ISUID;

	if (fuse_req_ctx(request)->uid == 0 || fstat(fd, &st) < 0)
		return;
	/* Without the right to execute this bit means another thing. */
	if (st.st_mode & S_IXGRP)
		lost |= S_ISGID;
	if (st.st_mode & lost)
		(void)!fchmod(fd, st.st_mode & 07777 & ~lost);
}

static ssize_t write_noted(struct handle *handle, const char *buf, size_t size, uint64_t offset)
{
	int r = handle->trace ? bmap_trace_note_write(handle->trace, offset, size) : 0;
	ssize_t n;

	if (r < 0)
		return r;
	do {
		n = pwrite(handle->fd, buf, size, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void folder_on_write(fuse_req_t request, fuse_ino_t inode, const char *buf, size_t size,
		     off_t offset, struct fuse_file_info *file)
{
	struct node *node = get_node(get_folder(request), inode);
	ssize_t n;

	pthread_rwlock_rdlock(&node->data_lock);
	n = write_noted(get_handle(file), buf, size, (uint64_t)offset);
	if (n > 0) {
		folder_drop_privileges(request, get_handle(file)->fd);
		log_bytes(request, get_handle(file), "write", (uint64_t)offset, (uint64_t)n);
	}
	pthread_rwlock_unlock(&node->data_lock);
	if (n < 0)
		fuse_reply_err(request, (int)-n);
	else
		fuse_reply_write(request, (size_t)n);
}

static void sync_later(void *opaque)
{
	CLEANUP_FREE struct later *sync = opaque;
	struct bmap_trace *trace = sync->handle->trace;
	int fd = sync->handle->fd, r = trace ? bmap_trace_sync(trace) : 0;

	if (r == 0)
		r = (sync->mode ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
	log_bytes(sync->request, sync->handle, sync->mode ? "datasync" : "sync", 0, 0);
	fuse_reply_err(sync->request, -r);
}

void folder_on_fsync(fuse_req_t request, fuse_ino_t inode, int datasync,
		     struct fuse_file_info *file)
{
	const struct later sync = {
		.request = request,
		.node = get_node(get_folder(request), inode),
		.handle = get_handle(file),
		.mode = datasync,
	};

	answer_later(&sync, sync_later);
}

/* ---- sizes and zeros ---- */

/* The file's size, or -errno. */
static int64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

static int resize(struct node *node, struct bmap_trace *trace, uint64_t size_bytes)
{
	int64_t old = size_of(node->fd);

	if (old < 0)
		return (int)old;
	if (truncate(node_path(node).text, (off_t)size_bytes) < 0)
		return -errno;
	/* Of the same size as well: behind the end there may be facts. */
	return size_bytes <= (uint64_t)old ? bmap_trace_note_shrink(trace, size_bytes) : 0;
}

int folder_resize(struct node *node, struct bmap_trace *trace, uint64_t size_bytes)
{
	int r;

	pthread_rwlock_wrlock(&node->data_lock);
	r = resize(node, trace, size_bytes);
	pthread_rwlock_unlock(&node->data_lock);
	return r;
}

/* Writes zeros where the filesystem below cannot make them. */
static int write_zeros(int fd, uint64_t offset, uint64_t len)
{
	static const uint8_t zeros[ZEROS_LEN];

	while (len) {
		size_t part = (size_t)MIN(len, ZEROS_LEN);
		int r = fd_pwrite_full(fd, zeros, part, offset);

		if (r < 0)
			return r;
		offset += part;
		len -= part;
	}
	return 0;
}

/* fallocate(2) as far as the filesystem below has it; what it refuses is made from what it has. */
static int allocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	int64_t size = size_of(fd);
	uint64_t end = offset + len;
	int r = 0;

	if (fallocate(fd, mode, (off_t)offset, (off_t)len) == 0)
		return 0;
	if (errno != EOPNOTSUPP || size < 0)
		return -errno;
	if ((mode & FALLOC_FL_KEEP_SIZE) && end > (uint64_t)size)
		end = MAX((uint64_t)size, offset);
	else if (!(mode & FALLOC_FL_KEEP_SIZE) && end > (uint64_t)size &&
		 ftruncate(fd, (off_t)end) < 0)
		return -errno;
	if (mode & (FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE))
		r = write_zeros(fd, offset, end - offset);
	return r;
}

/*
 * In steps, each noted and then made, so that what the filesystem below has no room for takes no
 * facts either.
 */
static int zero(struct handle *handle, int mode, uint64_t offset, uint64_t len)
{
	int64_t size = size_of(handle->fd);
	uint64_t end, facts_end;
	int r = 0;

	if (size < 0)
		return (int)size;
	/* The kernel has looked at the sum, but not at the filesystem below; nobody uses this
	 * place. */
	if (ckd_add(&end, offset, len) || lseek(handle->fd, (off_t)end, SEEK_SET) < 0)
		return -EFBIG;
	/* What lies behind the end and stays there gets no value. */
	facts_end = mode & FALLOC_FL_KEEP_SIZE ? MAX(MIN(end, (uint64_t)size), offset) : end;
	while (r == 0 && offset < end) {
		uint64_t part = MIN(end - offset, MAX_ZEROED);

		if (offset < facts_end)
			r = bmap_trace_note_zero(handle->trace, offset,
						 MIN(part, facts_end - offset));
		if (r == 0)
			r = allocate(handle->fd, mode, offset, part);
		offset += part;
	}
	return r;
}

/*
 * Who punches behind the end passes over zeros that it would else write: cp(1) of coreutils 9 does
 * so with the zeros that it has read, and makes the file longer afterwards.
 */
static int note_passed_over(struct handle *handle, uint64_t size, uint64_t offset, uint64_t len)
{
	uint64_t n_behind = bmap_trace_n_mapped(handle->trace, UINT64_MAX) -
			    bmap_trace_n_mapped(handle->trace, size);

	if (n_behind + len / BLOCK > MAX_BLOCKS_BEHIND)
		return -EFBIG;
	return bmap_trace_note_zero(handle->trace, offset, len);
}

static int punch(const struct folder *folder, struct handle *handle, int mode, uint64_t offset,
		 uint64_t len)
{
	enum bmap_punch how = folder->mount->punch;
	int64_t size = size_of(handle->fd);
	bool is_behind = offset >= (uint64_t)MAX(size, 0);
	uint64_t noted = len;
	int r = 0;

	if (size < 0)
		return (int)size;
	/* The last block ends with the file. */
	if (offset + len >= (uint64_t)size)
		noted = DIV_ROUND_UP((uint64_t)size, BLOCK) * BLOCK - offset;
	if (is_behind)
		r = note_passed_over(handle, (uint64_t)size, offset, len);
	else if (how != BMAP_PUNCH_FORGETS)
		r = bmap_trace_note_punch(handle->trace, offset, noted, how);
	if (r == 0)
		r = how == BMAP_PUNCH_REFUSED ? -EOPNOTSUPP
					      : allocate(handle->fd, mode, offset, len);
	if (r == 0 && how == BMAP_PUNCH_FORGETS && !is_behind)
		r = bmap_trace_note_punch(handle->trace, offset, noted, how);
	return r;
}

static int change_allocation(const struct folder *folder, struct handle *handle, int mode,
			     uint64_t offset, uint64_t len)
{
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0:
		return allocate(handle->fd, mode, offset, len);
	case FALLOC_FL_ZERO_RANGE:
		return zero(handle, mode, offset, len);
	case FALLOC_FL_PUNCH_HOLE:
		return punch(folder, handle, mode, offset, len);
	default:
		return -EOPNOTSUPP;
	}
}

static void allocate_later(void *opaque)
{
	CLEANUP_FREE struct later *call = opaque;
	int r;

	pthread_rwlock_wrlock(&call->node->data_lock);
	r = change_allocation(get_folder(call->request), call->handle, call->mode, call->offset,
			      call->len);
	pthread_rwlock_unlock(&call->node->data_lock);
	if (r == 0 && (call->mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		log_bytes(call->request, call->handle,
			  call->mode & FALLOC_FL_PUNCH_HOLE ? "trim" : "write", call->offset,
			  call->len);
	fuse_reply_err(call->request, -r);
}

void folder_on_fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
			 struct fuse_file_info *file)
{
	const struct later call = {
		.request = request,
		.node = get_node(get_folder(request), inode),
		.handle = get_handle(file),
		.mode = mode,
		.offset = (uint64_t)offset,
		.len = (uint64_t)length,
	};

	answer_later(&call, allocate_later);
}

/* ---- copying ---- */

static int note_copy(const struct handle *to, uint64_t to_offset, const struct handle *from,
		     uint64_t from_offset, uint64_t len, bool is_done)
{
	if (from->trace)
		return bmap_trace_note_copy(to->trace, to_offset, from->trace, from_offset, len,
					    is_done);
	return bmap_trace_note_write(to->trace, to_offset, len);
}

/* Where the filesystem below cannot copy. */
static ssize_t copy_bytes(int to, uint64_t to_offset, int from, uint64_t from_offset, size_t len)
{
	uint8_t *buf = session_answer_buffer(COPY_LEN);
	size_t done = 0;

	if (!buf)
		return -ENOMEM;
	while (done < len) {
		ssize_t n = fd_pread_full(from, buf, MIN(COPY_LEN, len - done), from_offset + done);
		int r = n > 0 ? fd_pwrite_full(to, buf, (size_t)n, to_offset + done) : 0;

		if (n < 0 || r < 0)
			return done ? (ssize_t)done : n < 0 ? n : r;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t copy(const struct handle *to, off_t to_offset, const struct handle *from,
		    off_t from_offset, size_t len)
{
	off_t in = from_offset, out = to_offset;
	int64_t size = size_of(from->fd);
	ssize_t n;
	int r;

	if (size < 0)
		return (ssize_t)size;
	/* In steps, so that nobody waits for a large copy longer than needs be. */
	len = (size_t)MIN(MIN((uint64_t)len, MAX_COPY), (uint64_t)MAX(size - from_offset, 0));
	if (len == 0)
		return 0;
	r = note_copy(to, (uint64_t)to_offset, from, (uint64_t)from_offset, len, false);
	if (r < 0)
		return r;
	n = copy_file_range(from->fd, &in, to->fd, &out, len, 0);
	if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS))
		n = copy_bytes(to->fd, (uint64_t)to_offset, from->fd, (uint64_t)from_offset, len);
	else if (n < 0)
		n = -errno;
	if (n <= 0)
		return n;
	r = note_copy(to, (uint64_t)to_offset, from, (uint64_t)from_offset, (uint64_t)n, true);
	return r < 0 ? r : n;
}

static void copy_later(void *opaque)
{
	CLEANUP_FREE struct later *call = opaque;
	struct node *source = call->from_node, *target = call->node;
	ssize_t n;

	/* In the order of their addresses, for who copies the other way at the same time. */
	if (source < target)
		pthread_rwlock_rdlock(&source->data_lock);
	pthread_rwlock_wrlock(&target->data_lock);
	if (source > target)
		pthread_rwlock_rdlock(&source->data_lock);
	n = copy(call->handle, (off_t)call->offset, call->from, (off_t)call->from_offset,
		 (size_t)call->len);
	pthread_rwlock_unlock(&target->data_lock);
	if (source != target)
		pthread_rwlock_unlock(&source->data_lock);
	if (n > 0) {
		log_bytes(call->request, call->from, "read", call->from_offset, (uint64_t)n);
		log_bytes(call->request, call->handle, "write", call->offset, (uint64_t)n);
	}
	if (n < 0)
		fuse_reply_err(call->request, (int)-n);
	else
		fuse_reply_write(call->request, (size_t)n);
}

void folder_on_copy(fuse_req_t request, fuse_ino_t from_inode, off_t from_offset,
		    struct fuse_file_info *from, fuse_ino_t to_inode, off_t to_offset,
		    struct fuse_file_info *to, size_t len, int flags)
{
	struct folder *folder = get_folder(request);
	const struct later call = {
		.request = request,
		.node = get_node(folder, to_inode),
		.handle = get_handle(to),
		.offset = (uint64_t)to_offset,
		.len = len,
		.from_node = get_node(folder, from_inode),
		.from = get_handle(from),
		.from_offset = (uint64_t)from_offset,
	};

	(void)flags;
	answer_later(&call, copy_later);
}

/* ---- holes ---- */

void folder_on_lseek(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence,
		     struct fuse_file_info *file)
{
	struct folder *folder = get_folder(request);
	struct handle *handle = get_handle(file);
	const struct bmap_trace *trace = current_trace(folder, get_node(folder, inode), handle);
	int64_t size = size_of(handle->fd);
	uint64_t to = (uint64_t)offset;
	bool found = size >= 0 && offset >= 0 && offset < size;

	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		fuse_reply_err(request, EINVAL);
		return;
	}
	if (found && whence == SEEK_HOLE)
		to = trace ? bmap_trace_find_hole(trace, to, (uint64_t)size) : (uint64_t)size;
	else if (found && trace)
		found = bmap_trace_find_data(trace, to, (uint64_t)size, &to);
	if (found)
		fuse_reply_lseek(request, (off_t)to);
	else
		fuse_reply_err(request, ENXIO);
}
