/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that goes on in the background once it is ready.
 *
 * It forks before it opens anything or starts a thread; the parent waits until the child is ready,
 * or has failed and said why, and leaves with its status.  So a failed mount is seen by who asked
 * for it.
 *
 * Threads: one.
 */
#ifndef BMAPFS_DAEMON_H
#define BMAPFS_DAEMON_H

struct daemon {
	int ready_fd; /* -1: in the foreground */
};

/*
 * Forks unless @foreground.  Returns in the child (or the only process); the parent never comes
 * back: when the child is ready it looks at @path once, so that the kernel has asked for its
 * attributes.
 */
void daemon_start(struct daemon *daemon, int foreground, const char *path);

/*
 * Tells the parent that all is well, and lets go of what the child shares with it: standard
 * streams, current folder.  The log goes to syslog from here on.
 */
void daemon_ready(struct daemon *daemon, const char *program);

#endif
