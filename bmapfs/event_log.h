/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A journal of what programs do to traced files, as fio's iolog version 3 (fio(1), "Trace file
 * format"): a line an event, its time in microseconds from the beginning on.
 *
 * Threads: any.
 */
#ifndef BMAPFS_EVENT_LOG_H
#define BMAPFS_EVENT_LOG_H

#include <stdint.h>

#include "bmap/error.h"

struct event_log;

/* Begins the file anew. */
BMAP_MUST_CHECK int event_log_open(struct event_log **log, const char *path,
				   struct bmap_error *err);

/* NULL is allowed, here and below: then nothing is logged. */
void event_log_close(struct event_log *log);

/* A file: "add", "open", "close". */
void event_log_file(struct event_log *log, const char *name, const char *action);

/* Bytes of it: "read", "write", "trim", "sync", "datasync". */
void event_log_bytes(struct event_log *log, const char *name, const char *action,
		     uint64_t offset_bytes, uint64_t len_bytes);

#endif
