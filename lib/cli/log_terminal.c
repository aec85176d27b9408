/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/log_terminal.h"

#define GREEN  "\033[92m"
#define YELLOW "\033[93m"
#define RED    "\033[91m"
#define PLAIN  "\033[0m"

static struct {
	pthread_mutex_t lock;
	const char *program;
	bool has_colours;
	bool has_status; /* guarded by lock: the last line is a status line */
} terminal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *colour(const char *code)
{
	return terminal.has_colours ? code : "";
}

static void write_line(enum bmap_log_level level, const char *file, int line, const char *message,
		       void *opaque)
{
	LOCKED(&terminal.lock);
	const char *program = terminal.program;
	char clock[16];
	time_t now;

	(void)opaque;
	terminal.has_status = false;
	switch (level) {
	case BMAP_LOG_DEBUG:
		now = time(NULL);
		strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
		fprintf(stderr, "[%s%s%s] [%s,%d] %s: debug: %s\n", colour(GREEN), clock,
			colour(PLAIN), file, line, program, message);
		break;
	case BMAP_LOG_INFO:
		fprintf(stderr, "%s: info: %s\n", program, message);
		break;
	case BMAP_LOG_WARNING:
		fprintf(stderr, "%s: %sWARNING%s: %s\n", program, colour(YELLOW), colour(PLAIN),
			message);
		break;
	case BMAP_LOG_ERROR:
		fprintf(stderr, "%s: %sERROR%s: %s\n", program, colour(RED), colour(PLAIN),
			message);
		break;
	}
}

void log_terminal_start(const char *program, enum bmap_log_level level)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org */

	terminal.program = program;
	terminal.has_colours = isatty(STDERR_FILENO) && !(no_color && *no_color);
	bmap_log_set_sink(level, write_line, NULL);
}

void log_terminal_status(const char *text)
{
	LOCKED(&terminal.lock);

	fprintf(stderr, "%s\r%s: info: %s\033[K\n", terminal.has_status ? "\033[1A" : "",
		terminal.program, text);
	terminal.has_status = true;
}

void log_terminal_detail(const char *text)
{
	LOCKED(&terminal.lock);

	fprintf(stderr, "   %s\n", text);
}
