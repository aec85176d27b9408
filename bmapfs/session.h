/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE session: mounted, served by several threads, ended by a signal or by unmounting.
 *
 * Threads: session_run() from one.
 */
#ifndef BMAPFS_SESSION_H
#define BMAPFS_SESSION_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdbool.h>

#include "bmap/error.h"
#include "daemon.h"

struct session;

struct session_options {
	const char *mountpoint;
	const char *source;        /* what /proc/mounts shows */
	const char *mount_options; /* for the kernel and libfuse, as behind -o; "": none */
	bool is_read_only;
	/*
	 * Most requests are answered at once: one thread takes them all, which is twice as fast for
	 * a program that waits for each as when they wake one thread after another; what may take
	 * longer it leaves to others by session_defer().
	 */
	bool is_quick;
	struct session **handle; /* set while the session runs; may be NULL */
};

/*
 * Called by another thread when a signal ends the session, or nobody can read any more: those who
 * wait must come back.
 */
typedef void session_canceller(void *opaque);

/*
 * Mounts, calls daemon_ready(), and serves until the mount is gone.  SIGINT, SIGTERM and SIGHUP end
 * it.
 */
BMAP_MUST_CHECK int session_run(const struct session_options *options,
				const struct fuse_lowlevel_ops *ops, size_t ops_size,
				session_canceller *cancel, void *opaque, struct daemon *daemon,
				struct bmap_error *err);

/* Says that a file was opened: what the session has told the kernel at its beginning holds.  Any
 * thread. */
void session_note_open(struct session *session);

/* Runs on another thread, soon, and before session_run() comes back.  Of a quick session. */
typedef void session_work(void *opaque);
void session_defer(session_work *work, void *opaque);

/*
 * Memory of the calling thread for an answer, its until it calls again; NULL when there is none.
 * New memory for each answer costs more than to fill it.
 */
void *session_answer_buffer(size_t size);

/* Makes the kernel forget what it has read of an inode, soon.  Any thread. */
void session_forget(struct session *session, fuse_ino_t inode);

#endif
