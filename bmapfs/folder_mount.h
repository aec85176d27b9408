/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mount that passes everything on to a folder, or to a single file, and records what happens to
 * the blocks of the regular files in it (bmap-trace(5)).
 *
 * Threads: folder_mount_run() from one.
 */
#ifndef BMAPFS_FOLDER_MOUNT_H
#define BMAPFS_FOLDER_MOUNT_H

#include "bmap/trace.h"
#include "event_log.h"
#include "node.h"
#include "session.h"

struct folder_mount {
	int root_fd; /* O_PATH: the folder or the file */
	struct bmap_trace_folder records;
	enum bmap_punch punch;
	enum assumed assumed;
	struct event_log *events; /* NULL: there is no journal */
};

BMAP_MUST_CHECK int folder_mount_run(const struct folder_mount *mount,
				     const struct session_options *options, struct daemon *daemon,
				     struct bmap_error *err);

#endif
