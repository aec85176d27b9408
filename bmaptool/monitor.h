/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches a job while the main thread runs it: draws its progress, feeds psplash, and turns signals
 * into a request to stop.
 *
 * Threads: one of its own; the functions are for the main thread.
 */
#ifndef BMAPTOOL_MONITOR_H
#define BMAPTOOL_MONITOR_H

#include <stdbool.h>

#include "bmap/job.h"

struct monitor;

struct monitor_options {
	bool show_progress;       /* on the terminal */
	const char *psplash_pipe; /* NULL: none */
};

/* SIGINT, SIGTERM and SIGHUP go to the monitor from now on.  NULL when it cannot be started. */
struct monitor *monitor_start(void);

/*
 * From now on there is a job to watch, and signals cancel it; NULL: it is over.  Without a job a
 * signal ends the program at once.
 */
void monitor_watch(struct monitor *monitor, struct bmap_job *job,
		   const struct monitor_options *options);

/* Draws the last progress and no more; signals go on to be watched for. */
void monitor_finish_progress(struct monitor *monitor);

/* Did a signal come? */
bool monitor_is_interrupted(struct monitor *monitor);

#endif
