/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event_log.h"

struct event_log {
	pthread_mutex_t lock;
	FILE *file; /* guarded by lock */
	uint64_t begin_nsec;
};

int event_log_open(struct event_log **log_out, const char *path, struct bmap_error *err)
{
	struct event_log *log = calloc(1, sizeof(*log));

	if (!log)
		return bmap_error_set(err, ENOMEM, "out of memory");
	log->file = fopen(path, "we");
	if (!log->file) {
		bmap_error_set_system(err, errno, "cannot write the journal '%s'", path);
		free(log);
		return -err->code;
	}
	pthread_mutex_init(&log->lock, NULL);
	log->begin_nsec = clock_nsec();
	fputs("fio version 3 iolog\n", log->file);
	*log_out = log;
	return 0;
}

void event_log_close(struct event_log *log)
{
	if (!log)
		return;
	fclose(log->file);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

/* The time and the name, in which a space would end it.  The lock is held. */
static void print_head(struct event_log *log, const char *name, const char *action)
{
	fprintf(log->file, "%" PRIu64 " ", (clock_nsec() - log->begin_nsec) / 1000);
	for (; *name; name++)
		putc((unsigned char)*name > ' ' ? *name : '_', log->file);
	fprintf(log->file, " %s", action);
}

void event_log_file(struct event_log *log, const char *name, const char *action)
{
	if (!log)
		return;
	LOCKED(&log->lock);
	print_head(log, name, action);
	putc('\n', log->file);
}

void event_log_bytes(struct event_log *log, const char *name, const char *action,
		     uint64_t offset_bytes, uint64_t len_bytes)
{
	if (!log)
		return;
	LOCKED(&log->lock);
	print_head(log, name, action);
	fprintf(log->file, " %" PRIu64 " %" PRIu64 "\n", offset_bytes, len_bytes);
}
