/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Local files and block devices: every offset, at any time. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd_io.h"
#include "source/source_ops.h"

static ssize_t file_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			  struct bmap_error *err)
{
	ssize_t n = fd_pread_full(source->local_fd, buf, len, offset_bytes);

	if (n < 0)
		return bmap_error_set_system(err, (int)-n, "cannot read '%s'", source->name);
	return n;
}

static void file_close(struct source *source)
{
	close(source->local_fd);
	source_fini(source);
	free(source);
}

static int file_new(struct source **source_out, int fd, const char *path, uint64_t size_bytes,
		    struct bmap_error *err)
{
	static const struct source_ops ops = {.pread = file_pread, .close = file_close};
	CLEANUP_FREE struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (source_init(source, &ops, path, err) < 0)
		return -err->code;
	source->local_fd = fd;
	source->seekable = source->has_size = true;
	source->size_bytes = size_bytes;
	*source_out = STEAL_PTR(source);
	return 0;
}

int source_open_file(struct source **source, const char *path, struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t end;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", path);
	if (S_ISDIR(st.st_mode))
		return bmap_error_set_system(err, EISDIR, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		r = source_open_stream(source, fd, path, err);
	} else {
		end = lseek(fd, 0, SEEK_END); /* a block device's size, too */
		if (end < 0)
			return bmap_error_set_system(err, errno, "cannot open '%s'", path);
		r = file_new(source, fd, path, (uint64_t)end, err);
	}
	if (r == 0)
		steal_fd(&fd);
	return r;
}
