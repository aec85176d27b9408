/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names and attributes of a traced folder, passed on.  Nothing is resolved here but one name in
 * one folder, and no link is followed: what lies outside of the folder cannot be reached.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "folder_private.h"

/* So long the kernel may keep what it knows: others may change the folder. */
#define KNOWN_SEC 1.0

static void reply(fuse_req_t request, int r)
{
	fuse_reply_err(request, r < 0 ? -r : 0);
}

/* ---- what is open ---- */

void folder_note_opened(struct folder *folder, struct opened *opened)
{
	LOCKED(&folder->lock);

	opened->next = folder->opened;
	opened->at = &folder->opened;
	if (opened->next)
		opened->next->at = &opened->next;
	folder->opened = opened;
}

void folder_close(struct folder *folder, struct opened *opened)
{
	{
		LOCKED(&folder->lock);
		*opened->at = opened->next;
		if (opened->next)
			opened->next->at = opened->at;
	}
	opened->close(folder, opened);
}

/* ---- finding ---- */

static bool is_records(const struct folder *folder, const struct stat *st)
{
	return st->st_dev == folder->records_device && st->st_ino == folder->records_inode;
}

/* A name in a folder.  NULL: errno; the records are not there. */
static struct node *look_up(struct folder *folder, struct node *parent, const char *name,
			    struct stat *st)
{
	int fd = openat(parent->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) == 0 && is_records(folder, st)) {
		close(fd);
		errno = ENOENT;
		return NULL;
	}
	return fd < 0 ? NULL : node_take(folder->nodes, fd, st);
}

static void forget(struct folder *folder, struct node *node)
{
	if (node)
		node_forget(folder->nodes, node, 1);
}

static void fill_entry(struct folder *folder, struct node *node, const struct stat *st,
		       struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){
		.ino = (fuse_ino_t)(uintptr_t)node,
		.attr = *st,
		.attr_timeout = KNOWN_SEC,
		.entry_timeout = KNOWN_SEC,
	};
	folder_set_blocks(folder, node, &entry->attr);
}

/* Answers with a name; @r: what happened before. */
static void reply_name(fuse_req_t request, fuse_ino_t parent, const char *name, int r)
{
	struct folder *folder = get_folder(request);
	struct fuse_entry_param entry;
	struct node *node = NULL;
	struct stat st;

	if (r == 0) {
		node = look_up(folder, get_node(folder, parent), name, &st);
		r = node ? 0 : -errno;
	}
	if (r < 0) {
		fuse_reply_err(request, -r);
		return;
	}
	fill_entry(folder, node, &st, &entry);
	if (fuse_reply_entry(request, &entry) < 0)
		forget(folder, node);
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	reply_name(request, parent, name, strcmp(name, "..") == 0 ? -EINVAL : 0);
}

static void on_forget(fuse_req_t request, fuse_ino_t inode, uint64_t n_lookups)
{
	struct folder *folder = get_folder(request);

	if (inode != FUSE_ROOT_ID)
		node_forget(folder->nodes, get_node(folder, inode), n_lookups);
	fuse_reply_none(request);
}

static void on_forget_multi(fuse_req_t request, size_t n, struct fuse_forget_data *forgets)
{
	struct folder *folder = get_folder(request);

	for (size_t i = 0; i < n; i++) {
		if (forgets[i].ino != FUSE_ROOT_ID)
			node_forget(folder->nodes, get_node(folder, forgets[i].ino),
				    forgets[i].nlookup);
	}
	fuse_reply_none(request);
}

/* ---- attributes ---- */

static void on_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct folder *folder = get_folder(request);
	struct node *node = get_node(folder, inode);
	struct stat st;

	(void)file;
	if (fstat(node->fd, &st) < 0) {
		fuse_reply_err(request, errno);
		return;
	}
	folder_set_blocks(folder, node, &st);
	fuse_reply_attr(request, &st, KNOWN_SEC);
}

static int set_owner(struct node *node, const struct stat *wanted, int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? wanted->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? wanted->st_gid : (gid_t)-1;

	return fchownat(node->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											 : 0;
}

static struct timespec time_to_set(struct timespec time, int to_set, int set, int set_now)
{
	if (to_set & set_now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	return to_set & set ? time : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(struct node *node, const struct stat *wanted, int to_set)
{
	const struct timespec times[] = {
		time_to_set(wanted->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW),
		time_to_set(wanted->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW),
	};

	return utimensat(node->fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_attributes(struct node *node, struct bmap_trace *trace, const struct stat *wanted,
			  int to_set)
{
	int r = 0;

	if (to_set & FUSE_SET_ATTR_MODE)
		r = chmod(node_path(node).text, wanted->st_mode) < 0 ? -errno : 0;
	if (r == 0 && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		r = set_owner(node, wanted, to_set);
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = folder_resize(node, trace, (uint64_t)wanted->st_size);
	if (r == 0 && (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW |
				 FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)))
		r = set_times(node, wanted, to_set);
	return r;
}

static void drop_privileges(fuse_req_t request, const struct node *node)
{
	CLEANUP_CLOSE int fd = open(node_path(node).text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		folder_drop_privileges(request, fd);
}

static void on_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int to_set,
		       struct fuse_file_info *file)
{
	struct folder *folder = get_folder(request);
	struct node *node = get_node(folder, inode);
	struct bmap_trace *trace;
	int r = node_hold(folder->nodes, node, to_set & FUSE_SET_ATTR_SIZE ? NODE_WRITE : NODE_LOOK,
			  &trace);

	if (r == 0) {
		r = set_attributes(node, trace, wanted, to_set);
		if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
			drop_privileges(request, node);
		node_release(node, trace);
	}
	if (r < 0)
		fuse_reply_err(request, -r);
	else
		on_getattr(request, inode, file);
}

static void on_statfs(fuse_req_t request, fuse_ino_t inode)
{
	struct statvfs st;

	if (fstatvfs(get_node(get_folder(request), inode)->fd, &st) < 0)
		fuse_reply_err(request, errno);
	else
		fuse_reply_statfs(request, &st);
}

/* ---- extended attributes ---- */

static bool is_ours(const char *name)
{
	return strcmp(name, BMAP_TRACE_ATTRIBUTE) == 0;
}

/* As getxattr(2) wants it: with size 0 only the length. */
static void reply_value(fuse_req_t request, const char *value, ssize_t len, size_t size)
{
	if (len < 0)
		fuse_reply_err(request, errno);
	else if (size == 0)
		fuse_reply_xattr(request, (size_t)len);
	else if (size < (size_t)len)
		fuse_reply_err(request, ERANGE);
	else
		fuse_reply_buf(request, value, (size_t)len);
}

/* A request for the name of a record. */
struct asked {
	fuse_req_t request;
	struct node *node;
	size_t size;
};

/*
 * Who asks for a record is to have one: of a file that was there before it says just that.  Of a
 * large file making it takes a while.
 */
static void reply_record_name(void *opaque)
{
	CLEANUP_FREE struct asked *asked = opaque;
	struct folder *folder = get_folder(asked->request);
	struct bmap_trace *trace;
	int r = node_hold(folder->nodes, asked->node, NODE_WRITE, &trace);

	if (r == 0 && trace)
		reply_value(asked->request, bmap_trace_name(trace),
			    (ssize_t)strlen(bmap_trace_name(trace)), asked->size);
	else
		fuse_reply_err(asked->request, r < 0 ? -r : ENODATA);
	if (r == 0)
		node_release(asked->node, trace);
}

static void ask_for_record(fuse_req_t request, struct node *node, size_t size)
{
	struct asked *asked = malloc(sizeof(*asked));

	if (!asked) {
		fuse_reply_err(request, ENOMEM);
		return;
	}
	*asked = (struct asked){.request = request, .node = node, .size = size};
	session_defer(reply_record_name, asked);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t size)
{
	struct folder *folder = get_folder(request);
	struct node *node = get_node(folder, inode);
	char *value;

	if (is_ours(name)) {
		ask_for_record(request, node, size);
		return;
	}
	if (S_ISLNK(node->type)) {
		fuse_reply_err(request, ENODATA);
		return;
	}
	value = session_answer_buffer(size + 1);
	if (!value)
		fuse_reply_err(request, ENOMEM);
	else
		reply_value(request, value, getxattr(node_path(node).text, name, value, size),
			    size);
}

static void on_listxattr(fuse_req_t request, fuse_ino_t inode, size_t size)
{
	struct node *node = get_node(get_folder(request), inode);
	char *value = session_answer_buffer(size + 1);

	if (!value)
		fuse_reply_err(request, ENOMEM);
	else
		reply_value(request, value,
			    S_ISLNK(node->type) ? 0 : listxattr(node_path(node).text, value, size),
			    size);
}

/* @value NULL: it is removed. */
static void change_attribute(fuse_req_t request, fuse_ino_t inode, const char *name,
			     const char *value, size_t size, int flags)
{
	struct folder *folder = get_folder(request);
	struct node *node = get_node(folder, inode);
	struct bmap_trace *trace;
	int r;

	if (is_ours(name) || S_ISLNK(node->type)) {
		fuse_reply_err(request, EPERM);
		return;
	}
	r = node_hold(folder->nodes, node, NODE_LOOK, &trace);
	if (r == 0) {
		r = value ? setxattr(node_path(node).text, name, value, size, flags)
			  : removexattr(node_path(node).text, name);
		r = r < 0 ? -errno : 0;
		node_release(node, trace);
	}
	reply(request, r);
}

static void on_setxattr(fuse_req_t request, fuse_ino_t inode, const char *name, const char *value,
			size_t size, int flags)
{
	change_attribute(request, inode, name, value, size, flags);
}

static void on_removexattr(fuse_req_t request, fuse_ino_t inode, const char *name)
{
	change_attribute(request, inode, name, NULL, 0, 0);
}

/* ---- making ---- */

/*
 * Gives what was just made to who asked for it.  Where folders hand their group down it has that
 * already.
 */
static int give_away(fuse_req_t request, const struct node *parent, const char *name, mode_t mode)
{
	const struct folder *folder = get_folder(request);
	const struct fuse_ctx *who = fuse_req_ctx(request);
	struct stat st;
	bool hands_down = fstat(parent->fd, &st) == 0 && (st.st_mode & S_ISGID);

	if (folder->uid != 0 || (who->uid == folder->uid && who->gid == folder->gid))
		return 0;
	if (fchownat(parent->fd, name, who->uid, hands_down ? (gid_t)-1 : who->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* A new owner takes these bits away. */
	if (!S_ISLNK(mode) && (mode & (S_ISUID | S_ISGID)) &&
	    fchmodat(parent->fd, name, mode & 07777, 0) < 0)
		return -errno;
	return 0;
}

/* A record from the first moment on, so that a later mount does not take it for written. */
static int begin_record(struct folder *folder, struct node *node)
{
	struct bmap_trace *trace;
	int r = node_hold(folder->nodes, node, NODE_NEW, &trace);

	if (r == 0)
		node_release(node, trace);
	return r;
}

/* Makes an empty regular file: its open descriptor, or -errno; and its node, looked up once. */
static int make_file(fuse_req_t request, struct node *parent, const char *name, int flags,
		     mode_t mode, struct node **node, struct stat *st)
{
	struct folder *folder = get_folder(request);
	int fd = openat(parent->fd, name,
			(flags & O_ACCMODE) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = give_away(request, parent, name, S_IFREG | mode);
	if (r == 0) {
		*node = look_up(folder, parent, name, st);
		r = *node ? begin_record(folder, *node) : -errno;
	}
	if (r == 0)
		return fd;
	forget(folder, *node);
	*node = NULL;
	unlinkat(parent->fd, name, 0);
	close(fd);
	return r;
}

static void on_create(fuse_req_t request, fuse_ino_t parent_inode, const char *name, mode_t mode,
		      struct fuse_file_info *file)
{
	struct folder *folder = get_folder(request);
	struct node *parent = get_node(folder, parent_inode), *node = NULL;
	struct fuse_entry_param entry;
	struct stat st;
	int fd = make_file(request, parent, name, file->flags, mode, &node, &st);
	int r = MIN(fd, 0);

	/* Somebody else has made it since the kernel looked. */
	if (fd == -EEXIST && !(file->flags & O_EXCL)) {
		node = look_up(folder, parent, name, &st);
		r = node ? 0 : -errno;
	}
	if (r == 0)
		r = folder_open_node(folder, node, MAX(fd, -1), file);
	if (r < 0) {
		forget(folder, node);
		fuse_reply_err(request, -r);
		return;
	}
	fill_entry(folder, node, &st, &entry);
	fuse_reply_create(request, &entry, file);
}

static void on_mknod(fuse_req_t request, fuse_ino_t parent_inode, const char *name, mode_t mode,
		     dev_t device)
{
	struct folder *folder = get_folder(request);
	struct node *parent = get_node(folder, parent_inode), *node = NULL;
	struct stat st;
	int r;

	if (S_ISREG(mode)) {
		r = make_file(request, parent, name, O_RDWR, mode & 07777, &node, &st);
		if (r >= 0)
			close(r);
		forget(folder, node);
		r = MIN(r, 0);
	} else {
		r = mknodat(parent->fd, name, mode, device) < 0 ? -errno : 0;
		if (r == 0)
			r = give_away(request, parent, name, mode);
	}
	reply_name(request, parent_inode, name, r);
}

static void on_mkdir(fuse_req_t request, fuse_ino_t parent_inode, const char *name, mode_t mode)
{
	struct node *parent = get_node(get_folder(request), parent_inode);
	int r = mkdirat(parent->fd, name, mode) < 0 ? -errno : 0;

	if (r == 0)
		r = give_away(request, parent, name, S_IFDIR | mode);
	reply_name(request, parent_inode, name, r);
}

static void on_symlink(fuse_req_t request, const char *target, fuse_ino_t parent_inode,
		       const char *name)
{
	struct node *parent = get_node(get_folder(request), parent_inode);
	int r = symlinkat(target, parent->fd, name) < 0 ? -errno : 0;

	if (r == 0)
		r = give_away(request, parent, name, S_IFLNK);
	reply_name(request, parent_inode, name, r);
}

static void on_readlink(fuse_req_t request, fuse_ino_t inode)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(get_node(get_folder(request), inode)->fd, "", target, PATH_MAX);

	if (n < 0) {
		fuse_reply_err(request, errno);
		return;
	}
	target[n] = '\0';
	fuse_reply_readlink(request, target);
}

static void on_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent_inode, const char *name)
{
	struct folder *folder = get_folder(request);
	struct node *node = get_node(folder, inode), *parent = get_node(folder, parent_inode);
	struct bmap_trace *trace;
	int r = node_hold(folder->nodes, node, NODE_LOOK, &trace);

	if (r == 0) {
		r = linkat(AT_FDCWD, node_path(node).text, parent->fd, name, AT_SYMLINK_FOLLOW) < 0
			    ? -errno
			    : 0;
		node_release(node, trace);
	}
	reply_name(request, parent_inode, name, r);
}

/* ---- renaming and removing ---- */

/* A file whose name changes: its attributes do too. */
struct touched {
	struct node *node; /* NULL: there is none */
	struct bmap_trace *trace;
};

/* 0 or -errno; a name that is not there is none.  @stays: the file will have a name all the same.
 */
static int touch(struct folder *folder, struct node *parent, const char *name, bool stays,
		 struct touched *touched)
{
	struct stat st;
	int r = 0;

	*touched = (struct touched){.node = look_up(folder, parent, name, &st)};
	if (!touched->node)
		return errno == ENOENT ? 0 : -errno;
	/* What goes with its last name leaves no record that would have to be kept right. */
	if (stays || st.st_nlink > 1)
		r = node_hold(folder->nodes, touched->node, NODE_LOOK, &touched->trace);
	return r;
}

static void untouch(struct folder *folder, struct touched *touched)
{
	struct stat st;

	if (!touched->node)
		return;
	node_release(touched->node, touched->trace);
	if (S_ISREG(touched->node->type) && fstat(touched->node->fd, &st) == 0 && st.st_nlink == 0)
		bmap_trace_remove(&folder->mount->records, touched->node->fd);
	forget(folder, touched->node);
}

static bool is_records_name(const struct folder *folder, const struct node *parent,
			    const char *name)
{
	struct stat st;

	return fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_records(folder, &st);
}

static void on_unlink(fuse_req_t request, fuse_ino_t parent_inode, const char *name)
{
	struct folder *folder = get_folder(request);
	struct node *parent = get_node(folder, parent_inode);
	struct touched touched;
	int r = touch(folder, parent, name, false, &touched);

	if (r == 0)
		r = unlinkat(parent->fd, name, 0) < 0 ? -errno : 0;
	untouch(folder, &touched);
	reply(request, r);
}

static void on_rmdir(fuse_req_t request, fuse_ino_t parent_inode, const char *name)
{
	struct folder *folder = get_folder(request);
	struct node *parent = get_node(folder, parent_inode);
	int r = is_records_name(folder, parent, name)          ? -ENOENT
		: unlinkat(parent->fd, name, AT_REMOVEDIR) < 0 ? -errno
							       : 0;

	reply(request, r);
}

static void on_rename(fuse_req_t request, fuse_ino_t from_inode, const char *from_name,
		      fuse_ino_t to_inode, const char *to_name, unsigned int flags)
{
	struct folder *folder = get_folder(request);
	struct node *from = get_node(folder, from_inode), *to = get_node(folder, to_inode);
	struct touched moved = {0}, replaced = {0};
	int r;

	if (is_records_name(folder, from, from_name) || is_records_name(folder, to, to_name)) {
		fuse_reply_err(request, EPERM);
		return;
	}
	r = touch(folder, from, from_name, true, &moved);
	if (r == 0)
		r = touch(folder, to, to_name, flags & RENAME_EXCHANGE, &replaced);
	if (r == 0)
		r = renameat2(from->fd, from_name, to->fd, to_name, flags) < 0 ? -errno : 0;
	untouch(folder, &moved);
	untouch(folder, &replaced);
	reply(request, r);
}

/* ---- folders ---- */

struct listing {
	struct opened opened; /* first: a listing is one */
	pthread_mutex_t lock;
	DIR *stream;            /* guarded by lock */
	off_t offset;           /* guarded by lock: of what comes next */
	struct dirent *pending; /* guarded by lock: read, but it did not fit */
};

static struct listing *get_listing(const struct fuse_file_info *file)
{
	return (struct listing *)(uintptr_t)file->fh; // NOLINT
}

static void close_listing(struct folder *folder, struct opened *opened)
{
	struct listing *listing = (struct listing *)opened;

	(void)folder;
	closedir(listing->stream);
	pthread_mutex_destroy(&listing->lock);
	free(listing);
}

static void on_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	struct node *node = get_node(get_folder(request), inode);
	struct listing *listing = calloc(1, sizeof(*listing));
	int fd = openat(node->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (listing && fd >= 0)
		listing->stream = fdopendir(fd);
	if (!listing || !listing->stream) {
		int code = listing ? errno : ENOMEM;

		if (fd >= 0)
			close(fd);
		free(listing);
		fuse_reply_err(request, code);
		return;
	}
	pthread_mutex_init(&listing->lock, NULL);
	listing->opened.close = close_listing;
	folder_note_opened(get_folder(request), &listing->opened);
	file->fh = (uint64_t)(uintptr_t)listing;
	fuse_reply_open(request, file);
}

static void on_releasedir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
	(void)inode;
	folder_close(get_folder(request), &get_listing(file)->opened);
	fuse_reply_err(request, 0);
}

/* Fills @buf with names from where the stream stands.  The lock is held; the length or -errno. */
static ssize_t list(fuse_req_t request, struct listing *listing, char *buf, size_t size)
{
	const struct folder *folder = get_folder(request);
	size_t used = 0;

	for (;;) {
		struct dirent *entry = listing->pending;
		struct stat st = {0};
		size_t len;

		errno = 0;
		if (!entry)
			entry = readdir(listing->stream);
		if (!entry)
			return errno && !used ? -errno : (ssize_t)used;
		listing->pending = NULL;
		st.st_ino = entry->d_ino;
		st.st_mode = DTTOIF(entry->d_type);
		if (entry->d_ino != folder->records_inode || entry->d_type != DT_DIR) {
			len = fuse_add_direntry(request, buf + used, size - used, entry->d_name,
						&st, entry->d_off);
			if (len > size - used) {
				listing->pending = entry;
				return (ssize_t)used;
			}
			used += len;
		}
		listing->offset = entry->d_off;
	}
}

static void on_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		       struct fuse_file_info *file)
{
	struct listing *listing = get_listing(file);
	char *buf = session_answer_buffer(size);
	ssize_t n = -ENOMEM;

	(void)inode;
	if (buf) {
		LOCKED(&listing->lock);
		if (offset != listing->offset) {
			seekdir(listing->stream, offset);
			listing->pending = NULL;
			listing->offset = offset;
		}
		n = list(request, listing, buf, size);
	}
	if (n < 0)
		fuse_reply_err(request, (int)-n);
	else
		fuse_reply_buf(request, buf, (size_t)n);
}

static void on_fsyncdir(fuse_req_t request, fuse_ino_t inode, int datasync,
			struct fuse_file_info *file)
{
	int fd = dirfd(get_listing(file)->stream);

	(void)inode;
	reply(request, (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0);
}

/* ---- the mount ---- */

static void on_init(void *opaque, struct fuse_conn_info *connection)
{
	(void)opaque;
	/* What the kernel reads for itself would be recorded as if somebody had wanted it. */
	connection->max_readahead = 0;
	connection->want &= ~(unsigned int)FUSE_CAP_ATOMIC_O_TRUNC;
#ifdef FUSE_CAP_DIRECT_IO_ALLOW_MMAP
	connection->want |= connection->capable & FUSE_CAP_DIRECT_IO_ALLOW_MMAP;
#endif
}

static const struct fuse_lowlevel_ops operations = {
	.init = on_init,
	.lookup = on_lookup,
	.forget = on_forget,
	.forget_multi = on_forget_multi,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.readlink = on_readlink,
	.mknod = on_mknod,
	.mkdir = on_mkdir,
	.unlink = on_unlink,
	.rmdir = on_rmdir,
	.symlink = on_symlink,
	.rename = on_rename,
	.link = on_link,
	.open = folder_on_open,
	.read = folder_on_read,
	.write = folder_on_write,
	.release = folder_on_release,
	.fsync = folder_on_fsync,
	.opendir = on_opendir,
	.readdir = on_readdir,
	.releasedir = on_releasedir,
	.fsyncdir = on_fsyncdir,
	.statfs = on_statfs,
	.setxattr = on_setxattr,
	.getxattr = on_getxattr,
	.listxattr = on_listxattr,
	.removexattr = on_removexattr,
	.create = on_create,
	.fallocate = folder_on_fallocate,
	.copy_file_range = folder_on_copy,
	.lseek = folder_on_lseek,
};

/* Nobody waits for long: requests go to a filesystem of this machine. */
static void on_cancel(void *opaque)
{
	(void)opaque;
}

int folder_mount_run(const struct folder_mount *mount, const struct session_options *options,
		     struct daemon *daemon, struct bmap_error *err)
{
	struct folder folder = {.mount = mount, .uid = geteuid(), .gid = getegid()};
	struct stat st;
	int fd = dup(mount->root_fd);

	pthread_mutex_init(&folder.lock, NULL);
	if (fstat(mount->records.fd, &st) < 0 || fd < 0)
		return bmap_error_set_system(err, errno, "cannot open the folder of records");
	folder.records_device = st.st_dev;
	folder.records_inode = st.st_ino;
	folder.nodes = node_table_new(&mount->records, mount->assumed);
	if (folder.nodes)
		folder.root = node_take(folder.nodes, fd, &st);
	if (!folder.nodes || !folder.root)
		bmap_error_set(err, ENOMEM, "out of memory");
	else
		(void)!session_run(options, &operations, sizeof(operations), on_cancel, &folder,
				   daemon, err);
	while (folder.opened)
		folder_close(&folder, folder.opened);
	node_table_free(folder.nodes);
	pthread_mutex_destroy(&folder.lock);
	return -err->code;
}
