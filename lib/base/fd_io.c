/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd_io.h"

/* Reads or writes at a place of the file, or with AT_POSITION at the descriptor's own. */
#define AT_POSITION UINT64_MAX

static ssize_t read_full(int fd, void *buf, size_t len, uint64_t offset_bytes)
{
	size_t done = 0;

	while (done < len) {
		void *at = (char *)buf + done;
		ssize_t n = offset_bytes == AT_POSITION
				    ? read(fd, at, len - done)
				    : pread(fd, at, len - done, (off_t)(offset_bytes + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_full(int fd, const void *buf, size_t len, uint64_t offset_bytes)
{
	size_t done = 0;

	while (done < len) {
		const void *at = (const char *)buf + done;
		ssize_t n = offset_bytes == AT_POSITION
				    ? write(fd, at, len - done)
				    : pwrite(fd, at, len - done, (off_t)(offset_bytes + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

ssize_t fd_pread_full(int fd, void *buf, size_t len, uint64_t offset_bytes)
{
	return read_full(fd, buf, len, offset_bytes);
}

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	return read_full(fd, buf, len, AT_POSITION);
}

int fd_pwrite_full(int fd, const void *buf, size_t len, uint64_t offset_bytes)
{
	return write_full(fd, buf, len, offset_bytes);
}

int fd_write_full(int fd, const void *buf, size_t len)
{
	return write_full(fd, buf, len, AT_POSITION);
}

bool path_is_same_file(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

int fd_temporary_file(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[PATH_MAX];

	/* Not every filesystem has files without a name. */
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd >= 0 ? fd : -errno;
	if (snprintf(path, sizeof(path), "%s/bmap.XXXXXX", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

void fd_make_folders(const char *path)
{
	char folder[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return;
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(folder, 0700);
		*slash = '/';
	}
}

int fd_memory_file(const char *name, const void *text, size_t len)
{
	CLEANUP_CLOSE int fd = memfd_create(name, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = len ? fd_pwrite_full(fd, text, len, 0) : 0;
	if (r < 0)
		return r;
	return steal_fd(&fd);
}

int fd_read_text(int fd, char **text, size_t *len, size_t max_len)
{
	CLEANUP_FREE char *buf = NULL;
	size_t size = 0, capacity = 4096;

	for (;;) {
		char *larger = realloc(buf, capacity + 1);
		ssize_t n;

		if (!larger)
			return -ENOMEM;
		buf = larger;
		n = fd_read_full(fd, buf + size, capacity - size);
		if (n < 0)
			return (int)n;
		size += (size_t)n;
		if (size > max_len)
			return -EFBIG;
		if (size < capacity)
			break;
		capacity *= 2;
	}
	buf[size] = '\0';
	*text = STEAL_PTR(buf);
	*len = size;
	return 0;
}

static int write_in_place(const char *path, fd_content_writer *write_content, void *opaque,
			  struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int r;

	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s' for writing", path);
	r = write_content(fd, opaque);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot write '%s'", path);
	return 0;
}

static mode_t new_file_mode(const struct stat *old)
{
	mode_t mask;

	if (old)
		return old->st_mode & 07777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

static int write_new_file(int fd, fd_content_writer *write_content, void *opaque,
			  const struct stat *old)
{
	int r = write_content(fd, opaque);

	if (r < 0)
		return r;
	if (fchmod(fd, new_file_mode(old)) < 0 || fsync(fd) < 0)
		return -errno;
	/* Who owns the new file matters less than that it is there. */
	if (old && fchown(fd, old->st_uid, old->st_gid) < 0)
		return 0;
	return 0;
}

int fd_replace_file_by(const char *path, fd_content_writer *write_content, void *opaque,
		       struct bmap_error *err)
{
	CLEANUP_FREE char *real = realpath(path, NULL);
	CLEANUP_FREE char *temporary = NULL;
	CLEANUP_CLOSE int fd = -1;
	const char *name = real ? real : path;
	struct stat old;
	bool exists = stat(name, &old) == 0;
	int r;

	/* A link that leads nowhere yet stays one. */
	if (!real && lstat(path, &old) == 0)
		return write_in_place(path, write_content, opaque, err);
	if (exists && !S_ISREG(old.st_mode))
		return write_in_place(path, write_content, opaque, err);
	if (asprintf(&temporary, "%s.XXXXXX", name) < 0) {
		temporary = NULL;
		return bmap_error_set(err, ENOMEM, "%s: out of memory", path);
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s' for writing", path);
	r = write_new_file(fd, write_content, opaque, exists ? &old : NULL);
	if (r == 0 && rename(temporary, name) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return bmap_error_set_system(err, -r, "cannot write '%s'", path);
	}
	return 0;
}

struct text {
	const void *bytes;
	size_t len;
};

static int write_text(int fd, void *opaque)
{
	const struct text *text = opaque;

	return fd_write_full(fd, text->bytes, text->len);
}

int fd_replace_file(const char *path, const void *text, size_t len, struct bmap_error *err)
{
	struct text whole = {text, len};

	return fd_replace_file_by(path, write_text, &whole, err);
}
