/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd_io.h"
#include "base/units.h"
#include "bmap/log.h"
#include "cli/log_terminal.h"
#include "monitor.h"

#define TICK_MSEC 200
#define MAX_BAR   40

struct monitor {
	pthread_mutex_t lock;
	struct bmap_job *job;           /* guarded by lock */
	struct monitor_options options; /* guarded by lock */
	bool interrupted;               /* guarded by lock */
	uint64_t started_nsec;          /* guarded by lock */
	int last_percent;               /* guarded by lock */
	unsigned int n_ticks;           /* guarded by lock */
	sigset_t signals;
	pthread_t thread;
};

static int terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* "42% copied [=====>      ] 512.0 MiB of 1.2 GiB, 85.1 MiB/s, 8.4s left" */
static void format_bar(char *text, size_t size, const struct bmap_progress *progress,
		       double seconds, int percent)
{
	double speed = seconds > 0 ? (double)progress->done_bytes / seconds : 0;
	char numbers[160], bar[MAX_BAR + 1];
	int len, width, filled;

	len = snprintf(numbers, sizeof(numbers), "%s of %s, %s/s",
		       human_size(progress->done_bytes).text,
		       human_size(progress->total_bytes).text, human_size((uint64_t)speed).text);
	if (speed > 0 && percent < 100)
		len += snprintf(
			numbers + len, sizeof(numbers) - (size_t)len, ", %s left",
			human_time((double)(progress->total_bytes - progress->done_bytes) / speed)
				.text);
	/* what stands around: "bmaptool: info: 100% copied [" and "] " */
	width = MIN(terminal_columns() - len - 32, MAX_BAR);
	if (width < 4) {
		snprintf(text, size, "%d%% copied", percent);
		return;
	}
	filled = width * percent / 100;
	memset(bar, ' ', (size_t)width);
	memset(bar, '=', (size_t)filled);
	if (filled < width)
		bar[filled] = '>';
	bar[width] = '\0';
	snprintf(text, size, "%d%% copied [%s] %s", percent, bar, numbers);
}

/* psplash's protocol: a line a percentage, as long as somebody listens. */
static void tell_psplash(const char *pipe, int percent)
{
	CLEANUP_CLOSE int fd = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	char line[32];
	int len = snprintf(line, sizeof(line), "PROGRESS %d\n", percent);

	if (fd >= 0)
		(void)!fd_write_full(fd, line, (size_t)len);
}

/* Draws what has changed; the lock is held. */
static void draw(struct monitor *monitor, bool always)
{
	static const char wheel[] = "-\\|/";
	struct bmap_progress progress = bmap_job_progress(monitor->job);
	double seconds = clock_seconds_since(monitor->started_nsec);
	char text[256];
	int percent = 100;

	if (!progress.has_total) {
		snprintf(text, sizeof(text), "%c %s copied",
			 wheel[monitor->n_ticks++ % (sizeof(wheel) - 1)],
			 human_size(progress.done_bytes).text);
		if (monitor->options.show_progress)
			log_terminal_status(text);
		return;
	}
	progress.done_bytes = MIN(progress.done_bytes, progress.total_bytes);
	if (progress.total_bytes)
		percent = (int)(100.0 * (double)progress.done_bytes / (double)progress.total_bytes);
	if (monitor->options.psplash_pipe && percent != monitor->last_percent)
		tell_psplash(monitor->options.psplash_pipe, percent);
	if (monitor->options.show_progress &&
	    (always || percent != monitor->last_percent || monitor->n_ticks++ % 5 == 0)) {
		format_bar(text, sizeof(text), &progress, seconds, percent);
		log_terminal_status(text);
	}
	monitor->last_percent = percent;
}

static void on_signal(struct monitor *monitor)
{
	LOCKED(&monitor->lock);

	if (!monitor->interrupted)
		bmap_log(BMAP_LOG_ERROR, "interrupted, exiting");
	monitor->interrupted = true;
	if (monitor->job)
		bmap_job_cancel(monitor->job);
	else
		_exit(EXIT_FAILURE);
}

static void *monitor_thread(void *opaque)
{
	const struct timespec tick = {.tv_nsec = TICK_MSEC * 1000000L};
	struct monitor *monitor = opaque;

	for (;;) {
		int signal = sigtimedwait(&monitor->signals, NULL, &tick);

		if (signal > 0) {
			on_signal(monitor);
			continue;
		}
		LOCKED(&monitor->lock);
		if (monitor->job && !monitor->interrupted)
			draw(monitor, false);
	}
	return NULL;
}

struct monitor *monitor_start(void)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	if (!monitor)
		return NULL;
	pthread_mutex_init(&monitor->lock, NULL);
	sigemptyset(&monitor->signals);
	sigaddset(&monitor->signals, SIGINT);
	sigaddset(&monitor->signals, SIGTERM);
	sigaddset(&monitor->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &monitor->signals, NULL);
	/* A pipe or a socket whose other end is gone gives EPIPE. */
	signal(SIGPIPE, SIG_IGN);
	/* It lives as long as the program, and so does its memory. */
	if (pthread_create(&monitor->thread, NULL, monitor_thread, monitor) != 0) {
		free(monitor);
		return NULL;
	}
	pthread_detach(monitor->thread);
	return monitor;
}

void monitor_watch(struct monitor *monitor, struct bmap_job *job,
		   const struct monitor_options *options)
{
	LOCKED(&monitor->lock);

	monitor->job = job;
	if (!job)
		return;
	monitor->options = *options;
	monitor->last_percent = -1;
	monitor->n_ticks = 0;
	monitor->started_nsec = clock_nsec();
}

void monitor_finish_progress(struct monitor *monitor)
{
	LOCKED(&monitor->lock);

	if (!monitor->interrupted)
		draw(monitor, true);
	monitor->options = (struct monitor_options){0};
}

bool monitor_is_interrupted(struct monitor *monitor)
{
	LOCKED(&monitor->lock);

	return monitor->interrupted;
}
