/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one command and reports what it cost, seen from outside:
 *
 *   measure RESULT COMMAND [ARGUMENT...]
 *
 * writes one line "status wall_usec user_usec system_usec peak_kib" to the file RESULT.
 *
 * bench/run cannot do this itself, for two reasons.  A process inherits the peak memory of the one
 * that forked it, so everything started from Python shows Python's 15 MiB at least; this program is
 * small enough not to be seen.  And processes that the command leaves behind without waiting for
 * them (the Python bmaptool does so with its decompressors) count nowhere; here they come to us,
 * their subreaper, and are added.
 *
 * Wall time ends with the command itself; user and system time are those of all processes; peak
 * memory is that of the largest process (wait4() knows no sum).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct cost {
	int status; /* as the shell's $? */
	int64_t wall_usec;
	int64_t user_usec;
	int64_t system_usec;
	long peak_kib;
};

static int64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int64_t timeval_usec(struct timeval tv)
{
	return tv.tv_sec * INT64_C(1000000) + tv.tv_usec;
}

static void cost_add(struct cost *cost, const struct rusage *usage)
{
	cost->user_usec += timeval_usec(usage->ru_utime);
	cost->system_usec += timeval_usec(usage->ru_stime);
	if (usage->ru_maxrss > cost->peak_kib)
		cost->peak_kib = usage->ru_maxrss;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits for the command and for everything it left behind. */
static void cost_collect(struct cost *cost, pid_t command, int64_t start_usec)
{
	struct rusage usage;
	int status;
	pid_t pid;

	for (;;) {
		pid = wait4(-1, &status, 0, &usage);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		cost_add(cost, &usage);
		if (pid != command)
			continue;
		cost->wall_usec = now_usec() - start_usec;
		cost->status = exit_status(status);
	}
}

int main(int argc, char **argv)
{
	struct cost cost = {0};
	int64_t start_usec;
	FILE *result;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: measure RESULT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	result = fopen(argv[1], "we");
	if (!result || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		perror(argv[1]);
		return 2;
	}
	start_usec = now_usec();
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0) {
		perror("fork");
		return 2;
	}
	cost_collect(&cost, pid, start_usec);
	fprintf(result, "%d %jd %jd %jd %ld\n", cost.status, (intmax_t)cost.wall_usec,
		(intmax_t)cost.user_usec, (intmax_t)cost.system_usec, cost.peak_kib);
	return fclose(result) ? 2 : 0;
}
