/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/fd_io.h"
#include "base/units.h"
#include "bmap/log.h"
#include "target/target_ops.h"

/* So much is written before it is sent to the medium, and so much more before we wait for it. */
#define WINDOW_BYTES (8 << 20)
/*
 * Below this a write goes through the page cache, which joins it with its neighbours.  Above it
 * passes by: a raw image of 1.2 GiB mapped to a loop device took 0.89 instead of 1.3 s over tmpfs
 * and 1.16 instead of 1.53 s over ext4 (medians of 6 and 4, with and without O_DIRECT in turn, two
 * cores, 2026-11-25).
 */
#define MIN_DIRECT_BYTES (256 << 10)
#define DIRECT_ALIGNMENT 4096

int target_init(struct bmap_target *target, const struct target_ops *ops, const char *name, int fd,
		struct bmap_error *err)
{
	target->ops = ops;
	target->fd = fd;
	target->direct_fd = -1;
	target->sector_size_bytes = 512;
	target->name = strdup(name);
	return target->name ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

void target_fini(struct bmap_target *target)
{
	if (target->direct_fd >= 0)
		close(target->direct_fd);
	close(target->fd);
	free(target->name);
}

#define MAX_LINKS 40

/* The folder part of a path, "." where it has none. */
static void folder_of(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, size, "%.*s", slash ? (int)MAX(slash - path, 1) : 1, slash ? path : ".");
}

/* Would a file made at @path lie under /dev, also through links that lead nowhere yet? */
static bool is_under_dev(const char *path)
{
	char at[PATH_MAX], link[PATH_MAX], folder[PATH_MAX], real[PATH_MAX];

	snprintf(at, sizeof(at), "%s", path);
	for (int i = 0; i < MAX_LINKS; i++) {
		ssize_t len = readlink(at, link, sizeof(link) - 1);
		size_t used;

		if (len <= 0)
			break;
		link[len] = '\0';
		/* A relative link starts from the folder in which it lies. */
		folder_of(at, folder, sizeof(folder));
		used = link[0] == '/' ? 0 : strlen(folder);
		if (used + 1 + (size_t)len >= sizeof(at))
			break;
		memcpy(at, folder, used);
		at[used] = '/';
		memcpy(at + used + (used > 0), link, (size_t)len + 1);
	}
	folder_of(at, folder, sizeof(folder));
	return realpath(folder, real) && strncmp(real, "/dev/shm", 8) != 0 &&
	       (!strcmp(real, "/dev") || !strncmp(real, "/dev/", 5));
}

/* A typing error in the name of a device must not fill the memory with an image. */
static int check_dev_path(const char *path, bool exists, const struct stat *st, bool force,
			  struct bmap_error *err)
{
	if (!is_under_dev(path))
		return 0;
	if (!exists && !force)
		return bmap_error_set(
			err, ENOENT,
			"there is no device '%s' (--force makes a regular file of this "
			"name)",
			path);
	if (!exists)
		bmap_log(BMAP_LOG_WARNING, "\"%s\" does not exist, creating a regular file \"%s\"",
			 path, path);
	else if (S_ISREG(st->st_mode))
		bmap_log(BMAP_LOG_WARNING,
			 "\"%s\" is under \"/dev\", but it is a regular file, not a device node",
			 path);
	return 0;
}

int bmap_target_open(struct bmap_target **target, const char *path,
		     const struct bmap_target_options *options, struct bmap_error *err)
{
	struct stat st;
	bool exists = stat(path, &st) == 0;

	if (options->removable && device_check_removable(path, err) < 0)
		return -err->code;
	if (check_dev_path(path, exists, &st, options->force, err) < 0)
		return -err->code;
	if (exists && S_ISDIR(st.st_mode))
		return bmap_error_set_system(err, EISDIR, "cannot open destination file '%s'",
					     path);
	if (exists && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return bmap_error_set(err, ESPIPE,
				      "cannot open destination file '%s': File or stream is not "
				      "seekable.",
				      path);
	if (exists && S_ISBLK(st.st_mode))
		return target_open_device(target, path, &st, err);
	return target_open_file(target, path, exists ? &st : NULL, err);
}

void bmap_target_close(struct bmap_target *target)
{
	if (target)
		target->ops->close(target);
}

const char *bmap_target_name(const struct bmap_target *target)
{
	return target->name;
}

bool bmap_target_is_block_device(const struct bmap_target *target)
{
	return target->is_block_device;
}

bool target_has_begun(const struct bmap_target *target)
{
	return target->has_begun;
}

bool target_is_born_zero(const struct bmap_target *target)
{
	return target->needs_sync && !target->is_block_device;
}

uint64_t target_written_bytes(const struct bmap_target *target)
{
	return atomic_load_explicit(&target->written_bytes, memory_order_relaxed);
}

int target_check_size(const struct bmap_target *target, uint64_t size_bytes, const char *image,
		      struct bmap_error *err)
{
	if (!target->has_capacity || size_bytes <= target->capacity_bytes)
		return 0;
	return bmap_error_set(
		err, ENOSPC,
		"the image file '%s' has size %s and it will not fit the block device "
		"'%s' which has %s capacity",
		image, human_size(size_bytes).text, target->name,
		human_size(target->capacity_bytes).text);
}

int target_begin(struct bmap_target *target, uint64_t size_bytes, struct bmap_error *err)
{
	target->has_begun = true;
	return target->ops->begin ? target->ops->begin(target, size_bytes, err) : 0;
}

/*
 * Where a kind of target has no write-back to be steered, fsync does it all at the end.  Any other
 * failure must be told now: the kernel reports a lost page once, and fsync would find nothing.
 */
static int sync_stretch(const struct bmap_target *target, uint64_t first, uint64_t end,
			unsigned int flags)
{
	if (!target->needs_sync || first == end ||
	    sync_file_range(target->fd, (off_t)first, (off_t)(end - first), flags) == 0)
		return 0;
	return errno == ESPIPE || errno == EINVAL || errno == ENOSYS ? 0 : -errno;
}

/* Waits for the window before last, and sends the last one on its way. */
static int write_back(struct bmap_target *target, bool wait_for_all)
{
	const unsigned int wait =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	int r = sync_stretch(target, target->window.first_bytes, target->window.end_bytes,
			     wait_for_all ? wait : SYNC_FILE_RANGE_WRITE);

	if (r == 0)
		r = sync_stretch(target, target->window_before.first_bytes,
				 target->window_before.end_bytes, wait);
	if (r < 0)
		return r;
	atomic_fetch_add_explicit(&target->written_bytes,
				  target->window_before.n_bytes +
					  (wait_for_all ? target->window.n_bytes : 0),
				  memory_order_relaxed);
	target->window_before = target->window;
	if (wait_for_all)
		target->window_before.n_bytes = 0;
	target->window.n_bytes = target->window.first_bytes = target->window.end_bytes = 0;
	return 0;
}

/* Notes that a stretch went into the page cache. */
static int note_written(struct bmap_target *target, uint64_t len, uint64_t offset)
{
	if (target->window.n_bytes == 0)
		target->window.first_bytes = offset;
	target->window.end_bytes = offset + len;
	target->window.n_bytes += len;
	return target->window.n_bytes >= WINDOW_BYTES ? write_back(target, false) : 0;
}

/* An image made for other sectors than the device has will be written, but hardly work. */
static void check_sectors(const struct bmap_target *target, const uint8_t *data, uint64_t len)
{
	static const char magic[] = "EFI PART";
	const uint64_t ours = target->sector_size_bytes, other = ours == 512 ? 4096 : 512;

	if (target->is_block_device && (ours == 512 || ours == 4096) && len >= 4096 + 8 &&
	    memcmp(data + ours, magic, 8) != 0 && memcmp(data + other, magic, 8) == 0)
		bmap_log(
			BMAP_LOG_WARNING,
			"the image's partition table is made for sectors of %u bytes, but '%s' has "
			"sectors of %u bytes",
			(unsigned int)other, target->name, (unsigned int)ours);
}

int target_write(struct bmap_target *target, const void *data, uint64_t len_bytes,
		 uint64_t offset_bytes, struct bmap_error *err)
{
	bool aligned = ((uintptr_t)data | len_bytes | offset_bytes) % DIRECT_ALIGNMENT == 0;
	bool direct = target->direct_fd >= 0 && aligned && len_bytes >= MIN_DIRECT_BYTES;
	int r;

	if (offset_bytes == 0)
		check_sectors(target, data, len_bytes);
	r = fd_pwrite_full(direct ? target->direct_fd : target->fd, data, len_bytes, offset_bytes);
	if (r == -EINVAL && direct) {
		close(target->direct_fd);
		target->direct_fd = -1;
		direct = false;
		r = fd_pwrite_full(target->fd, data, len_bytes, offset_bytes);
	}
	if (r == 0 && !direct)
		r = note_written(target, len_bytes, offset_bytes);
	else if (r == 0)
		atomic_fetch_add_explicit(&target->written_bytes, len_bytes, memory_order_relaxed);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot write '%s'", target->name);
	return 0;
}

int target_clone(struct bmap_target *target, int fd, uint64_t fd_offset_bytes, uint64_t len_bytes,
		 uint64_t offset_bytes)
{
	struct file_clone_range range = {
		.src_fd = fd,
		.src_offset = fd_offset_bytes,
		.src_length = len_bytes,
		.dest_offset = offset_bytes,
	};

	if (target->is_block_device || !target->needs_sync ||
	    ioctl(target->fd, FICLONERANGE, &range) < 0)
		return -EOPNOTSUPP;
	atomic_fetch_add_explicit(&target->written_bytes, len_bytes, memory_order_relaxed);
	return 0;
}

int target_end(struct bmap_target *target, uint64_t size_bytes, struct bmap_error *err)
{
	int r = write_back(target, true);

	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot write '%s'", target->name);
	return target->ops->end ? target->ops->end(target, size_bytes, err) : 0;
}

int bmap_target_sync(struct bmap_target *target, struct bmap_error *err)
{
	if (target->needs_sync && fsync(target->fd) < 0)
		return bmap_error_set_system(err, errno, "cannot synchronize '%s'", target->name);
	return 0;
}
