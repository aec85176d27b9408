/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the traced folder share: its names, and the data of its files. */
#ifndef BMAPFS_FOLDER_PRIVATE_H
#define BMAPFS_FOLDER_PRIVATE_H

#include "folder_mount.h"
#include "node.h"

struct folder;

/*
 * What is open.  When the mount is taken away the kernel drops requests that wait, closing among
 * them: what is left is closed at the end.
 */
struct opened {
	struct opened *next, **at; /* guarded by the folder's lock */
	void (*close)(struct folder *folder, struct opened *opened);
};

struct folder {
	pthread_mutex_t lock;
	struct opened *opened; /* guarded by lock */
	const struct folder_mount *mount;
	struct node_table *nodes;
	struct node *root;
	dev_t records_device;
	ino_t records_inode;
	uid_t uid; /* of this program */
	gid_t gid;
};

/* A regular file that is open. */
struct handle {
	struct opened opened; /* first: a handle is one */
	struct node *node;
	int fd;
	bool writes;
	char *name; /* for the journal; NULL: there is none */
	/* NULL: all of it counts as written, or nobody has opened it for writing yet. */
	struct bmap_trace *_Atomic trace;
};

static inline struct folder *get_folder(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

static inline struct node *get_node(struct folder *folder, fuse_ino_t inode)
{
	return inode == FUSE_ROOT_ID ? folder->root : (struct node *)(uintptr_t)inode; // NOLINT
}

static inline struct handle *get_handle(const struct fuse_file_info *file)
{
	return (struct handle *)(uintptr_t)file->fh; // NOLINT
}

void folder_note_opened(struct folder *folder, struct opened *opened);
void folder_close(struct folder *folder, struct opened *opened);

/* What the kernel is to know of a file: attributes with the blocks that are mapped. */
void folder_set_blocks(struct folder *folder, struct node *node, struct stat *st);

/* Opens a node's file.  @fd: it is open already, and taken; -1: it is not.  0 or -errno. */
int folder_open_node(struct folder *folder, struct node *node, int fd, struct fuse_file_info *file);

/* Changes the size of a file, whose record is held.  0 or -errno. */
int folder_resize(struct node *node, struct bmap_trace *trace, uint64_t size_bytes);

/*
 * What a file may do by its owner's rights it may no more once somebody has written to it: the
 * kernel leaves that to us, and root is excepted.
 */
void folder_drop_privileges(fuse_req_t request, int fd);

void folder_on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file);
void folder_on_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file);
void folder_on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *file);
void folder_on_write(fuse_req_t request, fuse_ino_t inode, const char *buf, size_t size,
		     off_t offset, struct fuse_file_info *file);
void folder_on_fsync(fuse_req_t request, fuse_ino_t inode, int datasync,
		     struct fuse_file_info *file);
void folder_on_fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
			 struct fuse_file_info *file);
void folder_on_copy(fuse_req_t request, fuse_ino_t from_inode, off_t from_offset,
		    struct fuse_file_info *from, fuse_ino_t to_inode, off_t to_offset,
		    struct fuse_file_info *to, size_t len, int flags);
void folder_on_lseek(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence,
		     struct fuse_file_info *file);

#endif
