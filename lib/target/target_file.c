/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regular files, sparse and exactly as long as the image; and character devices, as they come. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/target_ops.h"

struct target_file {
	struct bmap_target base;
	bool is_new; /* made by us */
};

static int set_size(struct bmap_target *target, uint64_t size_bytes, struct bmap_error *err)
{
	if (ftruncate(target->fd, (off_t)size_bytes) < 0)
		return bmap_error_set_system(err, errno,
					     "cannot set the size of '%s' to %llu bytes",
					     target->name, (unsigned long long)size_bytes);
	return 0;
}

/* Emptied first, so that what is not written is a hole. */
static int file_begin(struct bmap_target *target, uint64_t size_bytes, struct bmap_error *err)
{
	if (set_size(target, 0, err) < 0)
		return -err->code;
	return size_bytes == TARGET_SIZE_UNKNOWN ? 0 : set_size(target, size_bytes, err);
}

static void file_close(struct bmap_target *target)
{
	struct target_file *file = (struct target_file *)target;

	if (file->is_new && !target->has_begun)
		unlink(target->name);
	target_fini(target);
	free(file);
}

static const struct target_ops file_ops = {
	.begin = file_begin,
	.end = set_size,
	.close = file_close,
};

static const struct target_ops character_ops = {.close = file_close};

/* A file that we make is ours to remove again; one behind a link that led nowhere is not. */
static int open_or_make(const char *path, bool *is_new)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	*is_new = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0 && errno == EACCES) /* a file that may be written only */
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return fd;
}

int target_open_file(struct bmap_target **target, const char *path, const struct stat *st,
		     struct bmap_error *err)
{
	CLEANUP_FREE struct target_file *file = calloc(1, sizeof(*file));
	CLEANUP_CLOSE int fd = -1;
	bool is_character = st && S_ISCHR(st->st_mode);
	struct stat opened;

	if (!file)
		return bmap_error_set(err, ENOMEM, "out of memory");
	fd = open_or_make(path, &file->is_new);
	if (fd < 0 || fstat(fd, &opened) < 0)
		return bmap_error_set_system(err, errno, "cannot open destination file '%s'", path);
	if (is_character ? !S_ISCHR(opened.st_mode) : !S_ISREG(opened.st_mode))
		return bmap_error_set(err, EBUSY, "'%s' became something else", path);
	if (target_init(&file->base, is_character ? &character_ops : &file_ops, path, fd, err) < 0)
		return -err->code;
	steal_fd(&fd);
	file->base.needs_sync = !is_character;
	*target = &STEAL_PTR(file)->base;
	return 0;
}
