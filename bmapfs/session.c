/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "bmap/log.h"
#include "session.h"

#define MAX_IDLE_THREADS 10
#define MAX_SERVING      16

/* While the session ends its main thread is woken so often. */
#define WAKE_MSEC 20

struct session {
	struct fuse_session *fuse;
	session_canceller *cancel;
	void *opaque;
	pthread_t main_thread;
	atomic_bool is_over;
	sigset_t signals;
};

static void ignore_signal(int number)
{
	(void)number;
}

/* Ends the session at a signal; ended itself by SIGUSR1, which only session_run() sends. */
static void *signal_thread(void *opaque)
{
	struct session *session = opaque;
	const struct timespec pause = {.tv_nsec = WAKE_MSEC * 1000000L};
	int number = 0;

	while (sigwait(&session->signals, &number) != 0)
		;
	if (number == SIGUSR1)
		return NULL;
	bmap_log(BMAP_LOG_INFO, "ended by signal %d", number);
	session->cancel(session->opaque);
	fuse_session_exit(session->fuse);
	/* libfuse's loop looks at that only when a signal handler ran in its first thread. */
	while (!atomic_load(&session->is_over)) {
		pthread_kill(session->main_thread, SIGUSR2);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* libfuse says in several parts what is wrong with options; it is one line of ours. */
static void log_fuse(enum fuse_log_level level, const char *format, va_list args)
{
	static __thread char line[512];
	size_t len = strlen(line);
	char *end;

	vsnprintf(line + len, sizeof(line) - len, format, args);
	end = strchr(line, '\n');
	if (!end && strlen(line) + 1 < sizeof(line))
		return;
	if (end)
		*end = '\0';
	bmap_log(level <= FUSE_LOG_WARNING ? BMAP_LOG_WARNING : BMAP_LOG_DEBUG, "%s", line);
	line[0] = '\0';
}

static int open_session(struct session *session, const struct session_options *options,
			const struct fuse_lowlevel_ops *ops, size_t ops_size,
			struct bmap_error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	CLEANUP_FREE char *words = NULL;
	int r;

	/* Options of the user's come last and win; a comma in a name would begin another one. */
	if (asprintf(&words, "default_permissions,subtype=bmapfs%s%s%s",
		     options->is_read_only ? ",ro" : "", options->mount_options[0] ? "," : "",
		     options->mount_options) < 0) {
		words = NULL;
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	fuse_set_log_func(log_fuse);
	r = fuse_opt_add_arg(&args, "bmapfs") || fuse_opt_add_arg(&args, "-o") ||
	    fuse_opt_add_arg(&args, words);
	if (r == 0 && !strstr(options->mount_options, "fsname=")) {
		char *name = NULL;

		r = fuse_opt_add_opt_escaped(&name, options->source) ||
		    fuse_opt_add_arg(&args, "-o");
		if (r == 0) {
			CLEANUP_FREE char *word = NULL;

			r = asprintf(&word, "fsname=%s", name) < 0 || fuse_opt_add_arg(&args, word);
		}
		free(name);
	}
	if (r == 0)
		session->fuse = fuse_session_new(&args, ops, ops_size, session->opaque);
	fuse_opt_free_args(&args);
	if (r)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (!session->fuse)
		return bmap_error_set(err, EINVAL, "cannot mount with these options");
	return 0;
}

static int serve(struct session *session, struct bmap_error *err)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int r;

	if (!config)
		return bmap_error_set(err, ENOMEM, "out of memory");
	fuse_loop_cfg_set_idle_threads(config, MAX_IDLE_THREADS);
	fuse_loop_cfg_set_max_threads(config, MAX_SERVING);
	r = fuse_session_loop_mt(session->fuse, config);
	fuse_loop_cfg_destroy(config);
	/* A positive number is the signal that ended it, a mount that was taken away is no error.
	 */
	return r < 0 && r != -ENODEV ? bmap_error_set_system(err, -r, "the mount broke") : 0;
}

void session_block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

int session_run(const struct session_options *options, const struct fuse_lowlevel_ops *ops,
		size_t ops_size, session_canceller *cancel, void *opaque, struct daemon *daemon,
		struct bmap_error *err)
{
	struct session session = {
		.cancel = cancel,
		.opaque = opaque,
		.main_thread = pthread_self(),
	};
	const struct sigaction wake = {.sa_handler = ignore_signal};
	pthread_t thread;
	int r;

	sigaction(SIGUSR2, &wake, NULL);
	session_block_signals(&session.signals);
	if (open_session(&session, options, ops, ops_size, err) < 0)
		return -err->code;
	if (fuse_session_mount(session.fuse, options->mountpoint) != 0) {
		fuse_session_destroy(session.fuse);
		return bmap_error_set(err, EIO, "cannot mount at '%s'", options->mountpoint);
	}
	r = pthread_create(&thread, NULL, signal_thread, &session);
	if (r == 0) {
		daemon_ready(daemon, "bmapfs");
		r = serve(&session, err);
		atomic_store(&session.is_over, true);
		pthread_kill(thread, SIGUSR1);
		pthread_join(thread, NULL);
	} else {
		bmap_error_set_system(err, r, "cannot start a thread");
	}
	fuse_session_unmount(session.fuse);
	fuse_session_destroy(session.fuse);
	return -err->code;
}
