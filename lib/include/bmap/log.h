/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the library's log lines go.
 *
 * The library logs debug lines, and warnings and notes when it goes on after something odd; it
 * never logs an error that it also returns.
 *
 * Threads: bmap_log() may be called from any thread; the sink is set once, before the first
 * thread starts, and must be able to take lines from several threads.
 */
#ifndef BMAP_LOG_H
#define BMAP_LOG_H

#include <bmap/macros.h>

BMAP_BEGIN_DECLS

enum bmap_log_level { BMAP_LOG_DEBUG, BMAP_LOG_INFO, BMAP_LOG_WARNING, BMAP_LOG_ERROR };

/* @file and @line say where in the source; @message is one line without newline. */
typedef void bmap_log_sink(enum bmap_log_level level, const char *file, int line,
			   const char *message, void *opaque);

/* Sends lines of @level and above to @sink; a NULL sink (the state at start) drops all. */
BMAP_API void bmap_log_set_sink(enum bmap_log_level level, bmap_log_sink *sink, void *opaque);

BMAP_API void bmap_log_write(enum bmap_log_level level, const char *file, int line,
			     const char *format, ...) BMAP_PRINTF(4, 5);

#ifndef __FILE_NAME__ /* GCC before 12 */
#define __FILE_NAME__ __FILE__
#endif

#define bmap_log(level, ...) bmap_log_write(level, __FILE_NAME__, __LINE__, __VA_ARGS__)

BMAP_END_DECLS

#endif
