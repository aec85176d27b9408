/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd_io.h"

#define MAX_STDERR_LEN (64 << 10)

extern char **environ;

struct child {
	pid_t pid;
	int stdout_fd;
	int stderr_fd; /* a file in memory: the child can never block on it */
};

/* The environment with one more variable; the strings are lent, the caller frees the array. */
static char **extended_environment(const char *extra)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return NULL;
	memcpy(env, environ, n * sizeof(*env));
	env[n] = (char *)extra;
	return env;
}

static int spawn(pid_t *pid, const char *const *argv, char **env, int stdout_fd, int stderr_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipe_only;
	int r;

	sigemptyset(&none);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (!r) {
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &pipe_only);
		posix_spawnattr_setflags(&attributes,
					 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&actions, stdout_fd, 1);
		posix_spawn_file_actions_adddup2(&actions, stderr_fd, 2);
		r = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)argv, env);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int child_open(struct child **child_out, const char *const *argv, const char *env_extra,
	       struct bmap_error *err)
{
	CLEANUP_FREE struct child *child = malloc(sizeof(*child));
	CLEANUP_FREE char **env = env_extra ? extended_environment(env_extra) : NULL;
	CLEANUP_CLOSE int read_end = -1;
	CLEANUP_CLOSE int write_end = -1;
	CLEANUP_CLOSE int stderr_fd = fd_memory_file("stderr", NULL, 0);
	int ends[2], r;

	if (!child || (env_extra && !env))
		return bmap_error_set(err, ENOMEM, "%s: out of memory", argv[0]);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return bmap_error_set_system(err, errno, "cannot run '%s'", argv[0]);
	read_end = ends[0];
	write_end = ends[1];
	if (stderr_fd < 0 || fcntl(stderr_fd, F_SETFD, FD_CLOEXEC) < 0)
		return bmap_error_set_system(err, errno, "cannot run '%s'", argv[0]);
	r = spawn(&child->pid, argv, env ? env : environ, write_end, stderr_fd);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot run '%s'", argv[0]);
	child->stdout_fd = steal_fd(&read_end);
	child->stderr_fd = steal_fd(&stderr_fd);
	*child_out = STEAL_PTR(child);
	return 0;
}

int child_stdout(const struct child *child)
{
	return child->stdout_fd;
}

/* The beginning of what it said; NULL: out of memory. */
static char *read_complaints(int fd)
{
	char *text = malloc(MAX_STDERR_LEN + 1);
	ssize_t n = text ? fd_pread_full(fd, text, MAX_STDERR_LEN, 0) : 0;

	if (text)
		text[n > 0 ? n : 0] = '\0';
	return text;
}

void child_close(struct child *child, int kill_first, int *exit_status, char **stderr_text)
{
	int status = 0;

	if (!child)
		return;
	if (kill_first)
		kill(child->pid, SIGTERM);
	close(child->stdout_fd);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (exit_status)
		*exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (stderr_text)
		*stderr_text = read_complaints(child->stderr_fd);
	close(child->stderr_fd);
	free(child);
}

int child_run(const char *const *argv, size_t max_stdout_len, char **stdout_text,
	      size_t *stdout_len, char **stderr_text, int *exit_status, struct bmap_error *err)
{
	struct child *child;
	int r;

	r = child_open(&child, argv, NULL, err);
	if (r < 0)
		return r;
	r = fd_read_text(child->stdout_fd, stdout_text, stdout_len, max_stdout_len);
	child_close(child, r < 0, exit_status, stderr_text);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot read the output of '%s'", argv[0]);
	return 0;
}
