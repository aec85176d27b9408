/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmapfs --trace FOLDER MOUNTPOINT.  Threads: one. */
#ifndef BMAPFS_TRACE_COMMAND_H
#define BMAPFS_TRACE_COMMAND_H

#include "daemon.h"
#include "mount_options.h"

/* Is the source a folder, or a raw file, whose changes are to be recorded? */
bool is_trace_command(const struct mount_options *options);

/* Mounts it at @mountpoint, whose path is absolute, and serves it until it is unmounted. */
BMAP_MUST_CHECK int trace_command_run(const struct mount_options *options, const char *mountpoint,
				      struct daemon *daemon, struct bmap_error *err);

#endif
