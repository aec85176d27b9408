/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one log sink (bmap/log.h), and the only variable of the library that is not const. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "bmap/log.h"

static struct {
	enum bmap_log_level level;
	bmap_log_sink *sink;
	void *opaque;
} log_state;

void bmap_log_set_sink(enum bmap_log_level level, bmap_log_sink *sink, void *opaque)
{
	log_state.level = level;
	log_state.sink = sink;
	log_state.opaque = opaque;
}

void bmap_log_write(enum bmap_log_level level, const char *file, int line, const char *format, ...)
{
	char message[1024];
	va_list args;

	if (!log_state.sink || level < log_state.level)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_state.sink(level, file, line, message, log_state.opaque);
}
