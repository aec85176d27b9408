/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exercise_folder: what is done to the bytes of files, and asked of them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "exercise.h"

#define MAX_LEN        (1536 << 10) /* more than a FUSE request holds */
#define MIN_NEAR_BYTES (UINT64_C(128) << 10)
#define FAR_BYTES      (UINT64_C(4) << 30)
#define LINGERING_MSEC 3000

/* ---- chance ---- */

/*
 * A place in or near the file.  In small files much happens to the same blocks, in large ones there
 * are always some to which nothing happened; files with odd numbers have a part behind 4 GiB.
 */
static uint64_t draw_offset(struct run *run, const struct file *file)
{
	uint64_t near_bytes = MIN_NEAR_BYTES << file->id % 5;
	uint64_t offset = draw(run, near_bytes);

	if (file->id % 2 && percent(run, 30))
		offset = FAR_BYTES - near_bytes / 4 + draw(run, near_bytes / 2);
	else if (percent(run, 20))
		offset =
			file->model->size_bytes - draw(run, MIN(file->model->size_bytes, 9000) + 1);
	if (percent(run, 40))
		offset = ROUND_DOWN(offset, MODEL_BLOCK_BYTES);
	return offset;
}

static size_t draw_len(struct run *run)
{
	uint64_t len;

	switch (draw(run, 32)) {
	case 0 ... 11:
		len = 1 + draw(run, 100);
		break;
	case 12 ... 21:
		len = MODEL_BLOCK_BYTES * (1 + draw(run, 6));
		break;
	case 22 ... 29:
		len = 1 + draw(run, 20000);
		break;
	case 30:
		len = 1 + draw(run, 200000);
		break;
	default:
		len = percent(run, 30) ? 1 + draw(run, MAX_LEN) : 1 + draw(run, 60000);
	}
	return (size_t)len;
}

static uint8_t *draw_data(struct run *run, size_t len)
{
	uint8_t *data = calloc(1, len + 8);
	bool is_zero = percent(run, 10);

	if (!data)
		exit(99);
	for (size_t i = 0; !is_zero && i < len; i += 8) {
		uint64_t word = draw(run, UINT64_MAX);

		memcpy(data + i, &word, 8);
	}
	return data;
}

/* NULL: there is none. */
static struct handle *draw_handle(struct run *run, bool reads, bool writes)
{
	for (unsigned int i = 0; run->n_handles && i < 2 * MAX_HANDLES; i++) {
		struct handle *handle = &run->handles[draw(run, run->n_handles)];

		if ((!reads || handle->can_read) && (!writes || handle->can_write))
			return handle;
	}
	return NULL;
}

/* ---- bytes ---- */

void do_write(struct run *run)
{
	struct handle *handle = draw_handle(run, false, true);
	CLEANUP_FREE uint8_t *data = NULL;
	uint64_t offset;
	size_t len;
	int64_t n;

	if (!handle)
		return;
	offset = draw_offset(run, handle->file);
	len = draw_len(run);
	data = draw_data(run, len);
	/* pwrite(2), BUGS: with O_APPEND the offset does not matter. */
	n = done(run, handle->file, pwrite(handle->fd, data, len, (off_t)offset), (int64_t)len);
	if (handle->appends)
		offset = handle->file->model->size_bytes;
	note(run, handle->file, "write %zu at %" PRIu64 " of %" PRIu64 "%s: %" PRId64, len, offset,
	     handle->file->model->size_bytes, handle->appends ? " (append)" : "", n);
	if (n != (int64_t)len)
		mismatch(run, handle->file, "%" PRId64 " of %zu bytes written", n, len);
	model_write(handle->file->model, offset, data, len);
}

/* Whether the daemon may believe that somebody still has it open for writing. */
static bool is_unsure(const struct file *file)
{
	return file->writer_left_msec && now_msec() - file->writer_left_msec < LINGERING_MSEC;
}

static void compare_read(struct run *run, const struct file *file, uint64_t offset,
			 const uint8_t *found, size_t len)
{
	CLEANUP_FREE uint8_t *expected = malloc(len + 1);

	model_bytes(file->model, offset, expected, len);
	for (size_t i = 0; i < len; i++) {
		if (expected[i] != found[i])
			mismatch(run, file,
				 "block %" PRIu64 ", byte %" PRIu64 ": read %#x, expected %#x",
				 (offset + i) / MODEL_BLOCK_BYTES, offset + i, found[i],
				 expected[i]);
	}
	run->n_compared += len / MODEL_BLOCK_BYTES;
}

static void read_handle(struct run *run, const struct handle *handle, uint64_t offset, size_t len)
{
	struct file *file = handle->file;
	uint64_t size = file->model->size_bytes;
	size_t expected = offset < size ? (size_t)MIN(len, size - offset) : 0;
	CLEANUP_FREE uint8_t *data = malloc(len + 1);
	int64_t n = done(run, file, pread(handle->fd, data, len, (off_t)offset), (int64_t)expected);

	note(run, file, "read %zu at %" PRIu64 " of %" PRIu64 " (%s, %u writers): %" PRId64, len,
	     offset, size, handle->can_write ? "rw" : "ro", file->n_writers, n);
	if (n != (int64_t)expected)
		mismatch(run, file, "%" PRId64 " of %zu bytes read", n, expected);
	if (!run->is_dead)
		compare_read(run, file, offset, data, expected);
	model_read(file->model, offset, expected, file->n_writers > 0, is_unsure(file));
}

void do_read(struct run *run)
{
	struct handle *handle = draw_handle(run, true, false);

	if (!handle)
		return;
	if (percent(run, 3) && handle->file->model->size_bytes <= MAX_LEN)
		read_handle(run, handle, 0, MAX_LEN);
	else
		read_handle(run, handle, draw_offset(run, handle->file), draw_len(run));
}

void do_truncate(struct run *run)
{
	bool by_name = percent(run, 40);
	struct handle *handle = draw_handle(run, false, true);
	unsigned int name = draw_name(run, true);
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);
	struct file *file;
	uint64_t size;

	if (by_name ? name == N_NAMES : !handle)
		return;
	file = by_name ? run->names[name] : handle->file;
	size = percent(run, 25) ? draw(run, 10000) : draw_offset(run, file);
	note(run, file, "truncate from %" PRIu64 " to %" PRIu64 " by %s", file->model->size_bytes,
	     size, by_name ? "name" : "handle");
	done(run, file, by_name ? truncate(path, (off_t)size) : ftruncate(handle->fd, (off_t)size),
	     0);
	model_truncate(file->model, size);
}

void do_allocate(struct run *run)
{
	static const int modes[] = {0,
				    FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE,
				    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
	int mode = modes[draw(run, ARRAY_SIZE(modes))];
	struct handle *handle = draw_handle(run, false, true);
	bool keep_size = (mode & FALLOC_FL_KEEP_SIZE) != 0, punches = mode & FALLOC_FL_PUNCH_HOLE;
	struct model *model;
	uint64_t offset;
	size_t len;
	int r;

	if (!handle)
		return;
	model = handle->file->model;
	offset = draw_offset(run, handle->file);
	len = draw_len(run);
	if (punches && percent(run, 30)) {
		offset = ROUND_DOWN(offset, MODEL_BLOCK_BYTES);
		len = DIV_ROUND_UP(len, MODEL_BLOCK_BYTES) * MODEL_BLOCK_BYTES;
	}
	r = fallocate(handle->fd, mode, (off_t)offset, (off_t)len);
	note(run, handle->file, "fallocate mode %d, %zu at %" PRIu64 " of %" PRIu64 ": %s", mode,
	     len, offset, model->size_bytes, r < 0 ? strerror(errno) : "done");
	/* tmpfs cannot zero; the mount can on any filesystem. */
	if (r < 0 && errno == EOPNOTSUPP && !run->has_records)
		return;
	if (punches && run->punch == PUNCH_REFUSE && run->has_records) {
		if (r == 0)
			mismatch(run, handle->file, "the punch was granted");
		if (errno != EOPNOTSUPP)
			done(run, handle->file, r, 0);
	} else {
		done(run, handle->file, r, 0);
	}
	if (punches)
		model_punch(model, offset, len, run->has_records ? run->punch : PUNCH_FORGET);
	else if (mode & FALLOC_FL_ZERO_RANGE)
		model_zero(model, offset, len, keep_size);
	else
		model_allocate(model, offset, len, keep_size);
}

void do_copy(struct run *run)
{
	struct handle *from = draw_handle(run, true, false), *to = draw_handle(run, false, true);
	uint64_t offset, to_offset;
	off_t at, to_at;
	size_t len = draw_len(run);
	int64_t n;

	if (!from || !to || to->appends || to->file->id % 2 != from->file->id % 2 ||
	    from->file->has_no_facts)
		return;
	offset = draw_offset(run, from->file);
	to_offset = draw_offset(run, to->file);
	if (percent(run, 50)) {
		offset = ROUND_DOWN(offset, MODEL_BLOCK_BYTES);
		to_offset = ROUND_DOWN(to_offset, MODEL_BLOCK_BYTES);
	}
	/* What overlaps within a file is refused by the kernel. */
	if (from->file == to->file && offset < to_offset + len && to_offset < offset + len)
		return;
	at = (off_t)offset;
	to_at = (off_t)to_offset;
	len = offset < from->file->model->size_bytes
		      ? (size_t)MIN(len, from->file->model->size_bytes - offset)
		      : 0;
	n = done(run, to->file, copy_file_range(from->fd, &at, to->fd, &to_at, len, 0),
		 (int64_t)len);
	note(run, to->file,
	     "copy %zu from #%u at %" PRIu64 " to %" PRIu64 " of %" PRIu64 ": %" PRId64, len,
	     from->file->id, offset, to_offset, to->file->model->size_bytes, n);
	note(run, from->file,
	     "copy %zu at %" PRIu64 " of %" PRIu64 " to #%u at %" PRIu64 ": %" PRId64, len, offset,
	     from->file->model->size_bytes, to->file->id, to_offset, n);
	if (len && n == 0)
		mismatch(run, from->file, "nothing copied");
	if (n)
		model_copy(to->file->model, to_offset, from->file->model, offset, (size_t)n);
}

/* ---- asking and waiting ---- */

void do_sync(struct run *run)
{
	struct handle *handle = draw_handle(run, false, false);

	if (!handle)
		return;
	note(run, handle->file, "fsync %d", handle->fd);
	done(run, handle->file, percent(run, 50) ? fsync(handle->fd) : fdatasync(handle->fd), 0);
}

void do_seek(struct run *run)
{
	struct handle *handle = draw_handle(run, false, false);
	int whence = percent(run, 50) ? SEEK_DATA : SEEK_HOLE;
	int64_t expected, found;
	uint64_t offset;

	if (!handle)
		return;
	settle(run, handle->file);
	if (!run->has_records || handle->file->has_no_facts)
		return;
	offset = draw_offset(run, handle->file);
	expected = model_seek(handle->file->model, offset, whence);
	found = lseek(handle->fd, (off_t)offset, whence);
	if (found < 0 && errno == ENXIO)
		found = -ENXIO;
	else
		found = done(run, handle->file, found, expected);
	if (found != expected)
		mismatch(run, handle->file,
			 "block %" PRIu64 ": %s at %" PRIu64 " gives %" PRId64
			 ", expected %" PRId64,
			 offset / MODEL_BLOCK_BYTES,
			 whence == SEEK_DATA ? "SEEK_DATA" : "SEEK_HOLE", offset, found, expected);
}

void do_map_private(struct run *run)
{
	struct handle *handle = draw_handle(run, true, false);
	uint64_t offset;
	size_t len = draw_len(run);
	uint8_t *map;

	if (!handle)
		return;
	offset = ROUND_DOWN(draw_offset(run, handle->file), MODEL_BLOCK_BYTES);
	if (offset >= handle->file->model->size_bytes)
		return;
	len = (size_t)MIN(len, handle->file->model->size_bytes - offset);
	map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, handle->fd, (off_t)offset);
	note(run, handle->file, "read %zu at %" PRIu64 " by a private mapping (%s, %u writers)",
	     len, offset, handle->can_write ? "rw" : "ro", handle->file->n_writers);
	if (map == MAP_FAILED)
		mismatch(run, handle->file, "no private mapping: %s", strerror(errno));
	compare_read(run, handle->file, offset, map, len);
	munmap(map, len);
	model_read(handle->file->model, offset, len, handle->file->n_writers > 0,
		   is_unsure(handle->file));
}

void do_map_shared(struct run *run)
{
	struct handle *handle = draw_handle(run, true, true);
	CLEANUP_FREE uint8_t *data = NULL;
	size_t len = draw_len(run), skip = draw(run, MODEL_BLOCK_BYTES);
	uint64_t offset;
	uint8_t *map;

	if (!handle || !run->has_shared_mappings)
		return;
	offset = ROUND_DOWN(draw_offset(run, handle->file), MODEL_BLOCK_BYTES);
	if (offset + skip >= handle->file->model->size_bytes)
		return;
	len = (size_t)MIN(len, handle->file->model->size_bytes - offset - skip);
	data = draw_data(run, len);
	map = mmap(NULL, skip + len, PROT_READ | PROT_WRITE, MAP_SHARED, handle->fd, (off_t)offset);
	note(run, handle->file, "write %zu at %" PRIu64 " by a shared mapping", len, offset + skip);
	if (map == MAP_FAILED && errno == ENODEV) {
		/* Kernels before 6.6, and libraries that cannot ask for it. */
		run->has_shared_mappings = false;
		return;
	}
	if (map == MAP_FAILED)
		mismatch(run, handle->file, "no shared mapping: %s", strerror(errno));
	memcpy(map + skip, data, len);
	done(run, handle->file, msync(map, skip + len, MS_SYNC), 0);
	munmap(map, skip + len);
	model_write_pages(handle->file->model, offset + skip, data, len);
}
