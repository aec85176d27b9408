/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/log.h"
#include "target/device_tuning.h"

static int read_setting(const char *path, char *value, size_t size)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = fd_read_full(fd, value, size - 1);
	if (n < 0)
		return (int)n;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

static int write_setting(const char *path, const char *value)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_full(fd, value, strlen(value));
}

/* "mq-deadline [none] bfq": the one in brackets is in use. */
static void scheduler_in_use(const char *value, char *name, size_t size)
{
	const char *open = strchr(value, '['), *close = open ? strchr(open, ']') : NULL;

	if (close)
		snprintf(name, size, "%.*s", (int)(close - open - 1), open + 1);
	else
		snprintf(name, size, "%.*s", (int)size - 1, value);
}

static void set_scheduler(struct device_tuning *tuning, const char *folder)
{
	char value[256], in_use[64];
	int r;

	snprintf(tuning->scheduler_path, sizeof(tuning->scheduler_path), "%s/queue/scheduler",
		 folder);
	r = read_setting(tuning->scheduler_path, value, sizeof(value));
	if (r < 0)
		return; /* devices without a queue have nothing to choose */
	scheduler_in_use(value, in_use, sizeof(in_use));
	if (!strcmp(in_use, "none"))
		return;
	r = write_setting(tuning->scheduler_path, "none");
	if (r < 0)
		bmap_log(BMAP_LOG_INFO,
			 "failed to enable I/O optimization, expect suboptimal speed (reason: "
			 "cannot switch to the 'none' I/O scheduler: '%s' in use. %s)",
			 in_use, strerror(-r));
	else
		snprintf(tuning->scheduler, sizeof(tuning->scheduler), "%s", in_use);
}

static void set_max_ratio(struct device_tuning *tuning, const char *folder)
{
	char value[64];
	int r;

	snprintf(tuning->max_ratio_path, sizeof(tuning->max_ratio_path), "%s/bdi/max_ratio",
		 folder);
	r = read_setting(tuning->max_ratio_path, value, sizeof(value));
	if (r == 0 && !strcmp(value, "1"))
		return;
	if (r == 0)
		r = write_setting(tuning->max_ratio_path, "1");
	if (r < 0)
		bmap_log(BMAP_LOG_WARNING,
			 "failed to disable excessive buffering, expect worse system "
			 "responsiveness (reason: cannot set max. I/O ratio to 1: %s)",
			 strerror(-r));
	else
		snprintf(tuning->max_ratio, sizeof(tuning->max_ratio), "%s", value);
}

void device_tuning_apply(struct device_tuning *tuning, dev_t device)
{
	char folder[64], queue[96];

	*tuning = (struct device_tuning){0};
	snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u", major(device), minor(device));
	snprintf(queue, sizeof(queue), "%s/queue", folder);
	if (access(queue, F_OK) < 0) /* a partition: its disk has the settings */
		snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u/..", major(device),
			 minor(device));
	set_max_ratio(tuning, folder);
	set_scheduler(tuning, folder);
}

static void restore(const char *path, char *value)
{
	int r = value[0] ? write_setting(path, value) : 0;

	if (r < 0)
		bmap_log(BMAP_LOG_WARNING, "cannot put '%s' back to '%s': %s", path, value,
			 strerror(-r));
	value[0] = '\0';
}

void device_tuning_restore(struct device_tuning *tuning)
{
	restore(tuning->scheduler_path, tuning->scheduler);
	restore(tuning->max_ratio_path, tuning->max_ratio);
}
