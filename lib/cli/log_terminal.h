/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log on standard error, in the form that scripts know from bmaptool, and one line of status
 * that is drawn over again.
 *
 * Threads: any.
 */
#ifndef CLI_LOG_TERMINAL_H
#define CLI_LOG_TERMINAL_H

#include "bmap/log.h"

/* From now on lines of @level and above go to standard error, each with "PROGRAM: " in front. */
void log_terminal_start(const char *program, enum bmap_log_level level);

/* Draws "PROGRAM: info: TEXT" over the status line drawn before, if nothing came in between. */
void log_terminal_status(const char *text);

/* Lines without a level behind another one: details, lists. */
void log_terminal_detail(const char *text);

#endif
