/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Local files and block devices: every offset, at any time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd_io.h"
#include "source/source_ops.h"

struct source_file {
	struct source base;
	bool is_random; /* reads lie far apart in time: the file may change in between */
	struct timespec mtime;
};

/* A file that is written to while it is read would give a mix of two. */
static int check_unchanged(const struct source_file *file, struct bmap_error *err)
{
	struct stat st;

	if (fstat(file->base.local_fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot read '%s'", file->base.name);
	if (!S_ISREG(st.st_mode) ||
	    (st.st_mtim.tv_sec == file->mtime.tv_sec && st.st_mtim.tv_nsec == file->mtime.tv_nsec))
		return 0;
	return bmap_error_set(err, EBADMSG, "'%s' was changed while it was being read",
			      file->base.name);
}

static ssize_t file_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			  struct bmap_error *err)
{
	const struct source_file *file = (const struct source_file *)source;
	ssize_t n = fd_pread_full(source->local_fd, buf, len, offset_bytes);

	if (n < 0)
		return bmap_error_set_system(err, (int)-n, "cannot read '%s'", source->name);
	if (file->is_random && check_unchanged(file, err) < 0)
		return -err->code;
	source_count(source, (size_t)n);
	return n;
}

static void file_close(struct source *source)
{
	close(source->local_fd);
	source_fini(source);
	free(source);
}

static int file_clone(struct source **clone, const struct source *source, struct bmap_error *err)
{
	const struct source_file *whole = (const struct source_file *)source;
	CLEANUP_FREE struct source_file *file = calloc(1, sizeof(*file));
	CLEANUP_CLOSE int fd = fcntl(source->local_fd, F_DUPFD_CLOEXEC, 0);

	if (!file)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", source->name);
	if (source_init_clone(&file->base, source, err) < 0)
		return -err->code;
	file->base.local_fd = steal_fd(&fd);
	file->is_random = whole->is_random;
	file->mtime = whole->mtime;
	*clone = &STEAL_PTR(file)->base;
	return 0;
}

static int file_new(struct source **source_out, int fd, const char *path, const struct stat *st,
		    const struct source_options *options, struct bmap_error *err)
{
	static const struct source_ops ops = {
		.pread = file_pread,
		.close = file_close,
		.clone = file_clone,
	};
	CLEANUP_FREE struct source_file *file = calloc(1, sizeof(*file));
	struct source *source = &file->base;
	off_t end = lseek(fd, 0, SEEK_END); /* a block device's size, too */

	if (!file)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (end < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", path);
	if (source_init(source, &ops, path, err) < 0)
		return -err->code;
	source->local_fd = fd;
	source->seekable = source->has_size = true;
	source->size_bytes = (uint64_t)end;
	source->mtime_sec = st->st_mtim.tv_sec;
	file->is_random = options->is_random;
	file->mtime = st->st_mtim;
	if (S_ISREG(st->st_mode))
		snprintf(source->identity, sizeof(source->identity),
			 "%jd.%09ld, inode %ju, %ju bytes", (intmax_t)st->st_mtim.tv_sec,
			 st->st_mtim.tv_nsec, (uintmax_t)st->st_ino, (uintmax_t)end);
	*source_out = &STEAL_PTR(file)->base;
	return 0;
}

int source_open_file(struct source **source, const char *path, const struct source_options *options,
		     struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", path);
	if (S_ISDIR(st.st_mode))
		return bmap_error_set_system(err, EISDIR, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		r = source_open_stream(source, fd, path, err);
	else
		r = file_new(source, fd, path, &st, options, err);
	if (r == 0)
		steal_fd(&fd);
	return r;
}
