/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The callbacks translate and nothing more: request, call of the library, reply.
 *
 * Inodes: the root is the folder or the image; in a folder the image is 2, its map 3.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "bmap/log.h"
#include "bmap/overlay.h"
#include "image_mount.h"

#define IMAGE_INODE 2
#define MAP_INODE   3
#define BLOCK_SIZE  4096
/* Nothing changes but through us, so the kernel may keep what it knows. */
#define FOREVER_SEC 86400.0
/* The same failure of many readers is one line in so many seconds. */
#define SAME_LINE_NSEC (5 * NSEC_PER_SEC)

struct serving {
	struct image_mount *mount;
	uid_t uid;
	gid_t gid;
	struct session *session;
	pthread_mutex_t lock;
	char last_line[512];     /* guarded by lock */
	uint64_t last_line_nsec; /* guarded by lock */
};

static fuse_ino_t image_inode(const struct serving *serving)
{
	return S_ISDIR(serving->mount->root_mode) ? IMAGE_INODE : FUSE_ROOT_ID;
}

static bool is_image(const struct serving *serving, fuse_ino_t inode)
{
	return inode == image_inode(serving);
}

static bool is_map(const struct serving *serving, fuse_ino_t inode)
{
	return inode == MAP_INODE && serving->mount->map_text && S_ISDIR(serving->mount->root_mode);
}

static struct serving *get_serving(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

/* What a reader gets for a failure of ours, and the line that says why. */
static int report(struct serving *serving, const struct bmap_error *err)
{
	const uint64_t now = clock_nsec();
	bool is_new;

	pthread_mutex_lock(&serving->lock);
	is_new = strcmp(serving->last_line, err->message) != 0 ||
		 now >= serving->last_line_nsec + SAME_LINE_NSEC;
	if (is_new) {
		snprintf(serving->last_line, sizeof(serving->last_line), "%s", err->message);
		serving->last_line_nsec = now;
	}
	pthread_mutex_unlock(&serving->lock);
	if (is_new && err->code != ECANCELED)
		bmap_log(BMAP_LOG_ERROR, "%s", err->message);
	/* Of a large range something may have been handed out before it was found bad. */
	if (is_new && err->code == EBADMSG)
		session_forget(serving->session, image_inode(serving));
	switch (err->code) {
	case EPROTO:
	case ENOMEM:
	case EFBIG:
	case ENOSPC:
		return err->code;
	default:
		return EIO;
	}
}

static uint64_t data_bytes(const struct image_mount *mount)
{
	return mount->overlay ? bmap_overlay_data_bytes(mount->overlay)
			      : bmap_view_mapped_bytes(mount->view);
}

/* false: there is no such inode. */
static bool get_attributes(const struct serving *serving, fuse_ino_t inode, struct stat *st)
{
	const struct image_mount *mount = serving->mount;

	*st = (struct stat){
		.st_ino = inode,
		.st_nlink = 1,
		.st_uid = serving->uid,
		.st_gid = serving->gid,
		.st_blksize = BLOCK_SIZE,
	};
	st->st_mtim.tv_sec = st->st_ctim.tv_sec = st->st_atim.tv_sec = bmap_view_mtime(mount->view);
	if (is_image(serving, inode)) {
		st->st_mode = S_IFREG | (mount->overlay ? 0644 : 0444);
		st->st_size = (off_t)bmap_view_size(mount->view);
		st->st_blocks = (blkcnt_t)DIV_ROUND_UP(data_bytes(mount), 512);
	} else if (is_map(serving, inode)) {
		st->st_mode = S_IFREG | 0444;
		st->st_size = (off_t)mount->map_len;
		st->st_blocks = (blkcnt_t)DIV_ROUND_UP(mount->map_len, 512);
	} else if (inode == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0555;
		st->st_nlink = 2;
	} else {
		return false;
	}
	return true;
}

static void on_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	struct stat st;

	(void)file;
	if (get_attributes(serving, inode, &st))
		fuse_reply_attr(request, &st, serving->mount->overlay ? 0 : FOREVER_SEC);
	else
		fuse_reply_err(request, ENOENT);
}

/* The image's size is what it is; all else of it is nobody's to change. */
static void on_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int to_set,
		       struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	struct stat st;

	if (!serving->mount->overlay || !is_image(serving, inode))
		fuse_reply_err(request, EROFS);
	else if ((to_set & FUSE_SET_ATTR_SIZE) &&
		 (uint64_t)wanted->st_size != bmap_view_size(serving->mount->view))
		fuse_reply_err(request, EPERM);
	else if ((to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) ||
		 !get_attributes(serving, inode, &st))
		fuse_reply_err(request, EPERM);
	else
		on_getattr(request, inode, file);
}

/* "NAME" or "NAME.bmap"; 0: neither. */
static fuse_ino_t find_name(const struct serving *serving, const char *name)
{
	const char *image = serving->mount->name;
	size_t len = strlen(image);

	if (strncmp(name, image, len) != 0)
		return 0;
	if (!name[len])
		return IMAGE_INODE;
	return strcmp(name + len, ".bmap") == 0 && serving->mount->map_text ? MAP_INODE : 0;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct serving *serving = get_serving(request);
	struct fuse_entry_param entry = {
		.attr_timeout = serving->mount->overlay ? 0 : FOREVER_SEC,
		.entry_timeout = FOREVER_SEC,
	};

	if (parent == FUSE_ROOT_ID && S_ISDIR(serving->mount->root_mode))
		entry.ino = find_name(serving, name);
	if (!entry.ino || !get_attributes(serving, entry.ino, &entry.attr))
		fuse_reply_err(request, ENOENT);
	else
		fuse_reply_entry(request, &entry);
}

static void on_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		       struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	CLEANUP_FREE char *map_name = NULL;
	CLEANUP_FREE char *buf = malloc(size);
	const struct {
		fuse_ino_t inode;
		const char *name;
	} entries[] = {{FUSE_ROOT_ID, "."},
		       {FUSE_ROOT_ID, ".."},
		       {IMAGE_INODE, serving->mount->name},
		       {MAP_INODE, map_name}};
	size_t n = ARRAY_SIZE(entries) - !serving->mount->map_text, used = 0;

	(void)file;
	if (!buf || asprintf(&map_name, "%s.bmap", serving->mount->name) < 0) {
		map_name = NULL;
		fuse_reply_err(request, ENOMEM);
		return;
	}
	if (inode != FUSE_ROOT_ID || !S_ISDIR(serving->mount->root_mode)) {
		fuse_reply_err(request, ENOTDIR);
		return;
	}
	for (size_t i = (size_t)offset; i < n; i++) {
		struct stat st = {.st_ino = entries[i].inode};
		const char *name = entries[i].inode == MAP_INODE ? map_name : entries[i].name;
		size_t len;

		st.st_mode = st.st_ino == FUSE_ROOT_ID ? S_IFDIR : S_IFREG;
		len = fuse_add_direntry(request, buf + used, size - used, name, &st,
					(off_t)(i + 1));
		if (len > size - used)
			break;
		used += len;
	}
	fuse_reply_buf(request, buf, used);
}

static void on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	bool writes = (file->flags & O_ACCMODE) != O_RDONLY || (file->flags & O_TRUNC);

	if (!is_image(serving, inode) && !is_map(serving, inode)) {
		fuse_reply_err(request, inode == FUSE_ROOT_ID ? EISDIR : ENOENT);
	} else if (writes && !(serving->mount->overlay && is_image(serving, inode))) {
		fuse_reply_err(request, EROFS);
	} else {
		session_note_open(serving->session);
		/* What the kernel keeps, or reads in advance, would not be what was read. */
		file->direct_io = serving->mount->trace && is_image(serving, inode);
		file->keep_cache = !file->direct_io;
		fuse_reply_open(request, file);
	}
}

static ssize_t read_image(const struct image_mount *mount, void *buf, size_t len, uint64_t offset,
			  struct bmap_error *err)
{
	ssize_t n = mount->overlay ? bmap_overlay_pread(mount->overlay, buf, len, offset, err)
				   : bmap_view_pread(mount->view, buf, len, offset, err);
	int r = 0;

	if (n > 0 && mount->trace)
		r = bmap_trace_note_read(mount->trace, offset, (uint64_t)n, false);
	return r < 0 ? bmap_error_set_system(err, -r, "cannot write the record '%s'",
					     bmap_trace_name(mount->trace))
		     : n;
}

/*
 * A read that may wait for long.  When who wants it is killed, he gets EINTR at once; the bytes,
 * once they come, are nobody's.
 */
struct waiting_read {
	atomic_flag is_answered;
};

static void on_interrupt(fuse_req_t request, void *opaque)
{
	struct waiting_read *waiting = opaque;

	if (!atomic_flag_test_and_set(&waiting->is_answered))
		fuse_reply_err(request, EINTR);
}

static void on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	const struct image_mount *mount = serving->mount;
	struct waiting_read waiting = {ATOMIC_FLAG_INIT};
	struct bmap_error err = {0};
	char *buf;
	ssize_t n;

	(void)file;
	if (is_map(serving, inode)) {
		size_t from = MIN((size_t)offset, mount->map_len);

		fuse_reply_buf(request, mount->map_text + from, MIN(size, mount->map_len - from));
		return;
	}
	fuse_req_interrupt_func(request, on_interrupt, &waiting);
	buf = session_answer_buffer(size);
	n = buf ? read_image(mount, buf, size, (uint64_t)offset, &err)
		: bmap_error_set(&err, ENOMEM, "out of memory");
	/* The request is gone with its answer. */
	if (atomic_flag_test_and_set(&waiting.is_answered))
		return;
	fuse_req_interrupt_func(request, NULL, NULL);
	if (n < 0)
		fuse_reply_err(request, report(serving, &err));
	else
		fuse_reply_buf(request, buf, (size_t)n);
}

static void on_write(fuse_req_t request, fuse_ino_t inode, const char *buf, size_t size,
		     off_t offset, struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	struct bmap_error err = {0};

	(void)file;
	if (!serving->mount->overlay || !is_image(serving, inode))
		fuse_reply_err(request, EROFS);
	else if (bmap_overlay_pwrite(serving->mount->overlay, buf, size, (uint64_t)offset, &err) <
		 0)
		fuse_reply_err(request, report(serving, &err));
	else
		fuse_reply_write(request, size);
}

/* The folder holds what it holds. */
static void refuse(fuse_req_t request)
{
	fuse_reply_err(request, get_serving(request)->mount->overlay ? EPERM : EROFS);
}

static void on_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
		     dev_t device)
{
	(void)parent, (void)name, (void)mode, (void)device;
	refuse(request);
}

static void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	refuse(request);
}

static void on_remove(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	refuse(request);
}

static void on_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	refuse(request);
}

static void on_rename(fuse_req_t request, fuse_ino_t parent, const char *name,
		      fuse_ino_t new_parent, const char *new_name, unsigned int flags)
{
	(void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
	refuse(request);
}

static void on_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	(void)inode, (void)parent, (void)name;
	refuse(request);
}

static void on_fsync(fuse_req_t request, fuse_ino_t inode, int datasync,
		     struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	struct bmap_error err = {0};

	(void)inode;
	(void)datasync;
	(void)file;
	if (serving->mount->overlay && bmap_overlay_sync(serving->mount->overlay, &err) < 0)
		fuse_reply_err(request, report(serving, &err));
	else
		fuse_reply_err(request, 0);
}

static void on_lseek(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence,
		     struct fuse_file_info *file)
{
	struct serving *serving = get_serving(request);
	const struct image_mount *mount = serving->mount;
	uint64_t size = is_map(serving, inode) ? mount->map_len : bmap_view_size(mount->view);
	uint64_t from = (uint64_t)offset, to = whence == SEEK_DATA ? from : size;
	bool found = offset >= 0 && from < size;

	(void)file;
	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		fuse_reply_err(request, EINVAL);
		return;
	}
	if (found && is_image(serving, inode) && mount->overlay)
		found = whence == SEEK_DATA ? bmap_overlay_find_data(mount->overlay, from, &to)
					    : bmap_overlay_find_hole(mount->overlay, from, &to);
	else if (found && is_image(serving, inode))
		found = whence == SEEK_DATA ? bmap_view_find_data(mount->view, from, &to)
					    : bmap_view_find_hole(mount->view, from, &to);
	if (found)
		fuse_reply_lseek(request, (off_t)to);
	else
		fuse_reply_err(request, ENXIO);
}

static void on_statfs(fuse_req_t request, fuse_ino_t inode)
{
	const struct image_mount *mount = get_serving(request)->mount;
	uint64_t size = bmap_view_size(mount->view), used = data_bytes(mount);
	const struct statvfs st = {
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_blocks = DIV_ROUND_UP(size, BLOCK_SIZE),
		/* Holes can be filled only through an overlay. */
		.f_bfree = mount->overlay ? (size - MIN(used, size)) / BLOCK_SIZE : 0,
		.f_bavail = mount->overlay ? (size - MIN(used, size)) / BLOCK_SIZE : 0,
		.f_files = 3,
		.f_namemax = 255,
	};

	(void)inode;
	fuse_reply_statfs(request, &st);
}

/* ---- statistics ---- */

#define PREFIX "user.bmapfs."

static const char *const attributes[] = {
	PREFIX "location",        PREFIX "codec",         PREFIX "pieces",
	PREFIX "fetched_bytes",   PREFIX "decoded_bytes", PREFIX "cache_hits",
	PREFIX "verified_ranges",
};

/* The value of attribute @i as text. */
static void format_attribute(const struct image_mount *mount, size_t i, char *text, size_t size)
{
	struct bmap_view_statistics statistics;

	bmap_view_get_statistics(mount->view, &statistics);
	switch (i) {
	case 0:
		snprintf(text, size, "%s", bmap_view_name(mount->view));
		break;
	case 1:
		snprintf(text, size, "%s", statistics.codec);
		break;
	case 2:
		snprintf(text, size, "%" PRIu64, statistics.n_pieces);
		break;
	case 3:
		snprintf(text, size, "%" PRIu64, statistics.fetched_bytes);
		break;
	case 4:
		snprintf(text, size, "%" PRIu64, statistics.decoded_bytes);
		break;
	case 5:
		snprintf(text, size, "%" PRIu64, statistics.cache_hits);
		break;
	default:
		snprintf(text, size, "%" PRIu64, statistics.verified_ranges);
		break;
	}
}

/* As getxattr(2) wants it: with size 0 only the length. */
static void reply_text(fuse_req_t request, const char *text, size_t len, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(request, len);
	else if (size < len)
		fuse_reply_err(request, ERANGE);
	else
		fuse_reply_buf(request, text, len);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t size)
{
	struct serving *serving = get_serving(request);
	char text[4096];

	for (size_t i = 0; is_image(serving, inode) && i < ARRAY_SIZE(attributes); i++) {
		if (strcmp(name, attributes[i]) != 0)
			continue;
		format_attribute(serving->mount, i, text, sizeof(text));
		reply_text(request, text, strlen(text), size);
		return;
	}
	fuse_reply_err(request, ENODATA);
}

static void on_listxattr(fuse_req_t request, fuse_ino_t inode, size_t size)
{
	char names[ARRAY_SIZE(attributes) * 32];
	size_t len = 0;

	for (size_t i = 0; is_image(get_serving(request), inode) && i < ARRAY_SIZE(attributes);
	     i++) {
		size_t name_len = strlen(attributes[i]) + 1;

		memcpy(names + len, attributes[i], name_len);
		len += name_len;
	}
	reply_text(request, names, len, size);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_lookup,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.readdir = on_readdir,
	.open = on_open,
	.read = on_read,
	.write = on_write,
	.mknod = on_mknod,
	.mkdir = on_mkdir,
	.unlink = on_remove,
	.rmdir = on_remove,
	.symlink = on_symlink,
	.rename = on_rename,
	.link = on_link,
	.fsync = on_fsync,
	.lseek = on_lseek,
	.statfs = on_statfs,
	.getxattr = on_getxattr,
	.listxattr = on_listxattr,
};

static void cancel(void *opaque)
{
	struct serving *serving = opaque;

	bmap_view_cancel(serving->mount->view);
}

static void log_summary(const struct image_mount *mount)
{
	struct bmap_view_statistics statistics;

	bmap_view_get_statistics(mount->view, &statistics);
	bmap_log(BMAP_LOG_DEBUG,
		 "'%s': %s fetched, %s decoded, %" PRIu64 " pieces found in memory, %" PRIu64
		 " ranges verified",
		 bmap_view_name(mount->view), human_size(statistics.fetched_bytes).text,
		 human_size(statistics.decoded_bytes).text, statistics.cache_hits,
		 statistics.verified_ranges);
}

int image_mount_run(struct image_mount *mount, const struct session_options *options,
		    struct daemon *daemon, struct bmap_error *err)
{
	struct serving serving = {.mount = mount, .uid = getuid(), .gid = getgid()};
	struct session_options complete = *options;
	int r;

	complete.handle = &serving.session;

	pthread_mutex_init(&serving.lock, NULL);
	r = session_run(&complete, &operations, sizeof(operations), cancel, &serving, daemon, err);
	pthread_mutex_destroy(&serving.lock);
	if (r == 0)
		log_summary(mount);
	return r;
}
