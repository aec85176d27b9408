/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "bmap/log.h"
#include "daemon.h"

static void fail(const char *what)
{
	fprintf(stderr, "bmapfs: ERROR: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The parent: leaves as the child says, or ends. */
static void wait_for_child(int fd, pid_t child, const char *path)
{
	struct stat st;
	char ready;
	int status;
	ssize_t n;

	do
		n = read(fd, &ready, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		/* Over a regular file some kernels show size 0 until somebody has asked. */
		(void)!stat(path, &st);
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

void daemon_start(struct daemon *daemon, int foreground, const char *path)
{
	int fds[2];
	pid_t child;

	daemon->ready_fd = -1;
	if (foreground)
		return;
	if (pipe2(fds, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	child = fork();
	if (child < 0)
		fail("cannot go into the background");
	if (child > 0) {
		close(fds[1]);
		wait_for_child(fds[0], child, path);
	}
	close(fds[0]);
	setsid();
	daemon->ready_fd = fds[1];
}

static void log_to_syslog(enum bmap_log_level level, const char *file, int line,
			  const char *message, void *opaque)
{
	static const int priorities[] = {
		[BMAP_LOG_DEBUG] = LOG_DEBUG,
		[BMAP_LOG_INFO] = LOG_INFO,
		[BMAP_LOG_WARNING] = LOG_WARNING,
		[BMAP_LOG_ERROR] = LOG_ERR,
	};

	(void)file;
	(void)line;
	(void)opaque;
	syslog(priorities[level], "%s", message);
}

void daemon_ready(struct daemon *daemon, const char *program)
{
	int null;

	if (daemon->ready_fd < 0)
		return;
	openlog(program, LOG_PID, LOG_DAEMON);
	bmap_log_set_sink(BMAP_LOG_INFO, log_to_syslog, NULL);
	if (chdir("/") < 0)
		bmap_log(BMAP_LOG_WARNING, "cannot leave the current folder: %s", strerror(errno));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (write(daemon->ready_fd, "r", 1) != 1)
		bmap_log(BMAP_LOG_DEBUG, "nobody waits for the mount");
	close(daemon->ready_fd);
	daemon->ready_fd = -1;
}
