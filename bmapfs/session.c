/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/processors.h"
#include "bmap/log.h"
#include "session.h"

#define MAX_IDLE_THREADS 10
#define MAX_SERVING      16
/* Threads of a quick session for what takes longer. */
#define N_WORKERS 4

/*
 * So long a quick session looks out for the next request before it sleeps.  Two processors of a
 * virtual machine (AMD EPYC), dd bs=4k into a traced folder: 57 us a block without it (2026-11-26),
 * 20 to 26 us with it (2026-11-27).  Other times were not compared.
 */
#define WATCH_NSEC 30000

/* While the session ends its main thread is woken so often. */
#define WAKE_MSEC 20

#define READ_AHEAD_KIB "1024"

struct answer_buffer {
	size_t size;
	char data[];
};

static pthread_once_t answer_buffer_once = PTHREAD_ONCE_INIT;
static pthread_key_t answer_buffer_key; /* of each thread's, freed with it */

static void make_answer_buffer_key(void)
{
	pthread_key_create(&answer_buffer_key, free);
}

void *session_answer_buffer(size_t size)
{
	struct answer_buffer *buffer;

	pthread_once(&answer_buffer_once, make_answer_buffer_key);
	buffer = pthread_getspecific(answer_buffer_key);
	if (!buffer || buffer->size < size) {
		free(buffer);
		buffer = malloc(sizeof(*buffer) + size);
		if (buffer)
			buffer->size = size;
		pthread_setspecific(answer_buffer_key, buffer);
	}
	return buffer ? buffer->data : NULL;
}

struct session {
	struct fuse_session *fuse;
	const char *mountpoint;
	session_canceller *cancel;
	void *opaque;
	pthread_t main_thread;
	atomic_bool is_over;
	int signal_fd;
	int stop_fd;   /* an eventfd: the session is over, without a signal */
	int forget_fd; /* an eventfd that counts session_forget() */
	_Atomic fuse_ino_t forget_inode;
	atomic_flag was_opened;
};

void session_forget(struct session *session, fuse_ino_t inode)
{
	atomic_store(&session->forget_inode, inode);
	eventfd_write(session->forget_fd, 1);
}

/*
 * The kernel drops its pages of the inode.  It waits for those that are being read, so no thread
 * that reads may ask for it.
 */
static void forget_pages(struct session *session)
{
	eventfd_t n;

	if (eventfd_read(session->forget_fd, &n) == 0)
		fuse_lowlevel_notify_inval_inode(session->fuse, atomic_load(&session->forget_inode),
						 0, 0);
}

static void ignore_signal(int number)
{
	(void)number;
}

/* libfuse's loop looks at its end only when a signal handler ran in its first thread. */
static void wake_main_thread(struct session *session)
{
	const struct timespec pause = {.tv_nsec = WAKE_MSEC * 1000000L};

	while (!atomic_load(&session->is_over)) {
		pthread_kill(session->main_thread, SIGUSR2);
		nanosleep(&pause, NULL);
	}
}

/*
 * The device number of what is mounted at the mount point last; looking at the mount point itself
 * would make it busy.  false: it is not found.
 */
static bool find_device(const char *mountpoint, unsigned int *dev_major, unsigned int *dev_minor)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[8192], path[4097];
	bool found = false;

	/* A name with a space is written otherwise there: it is not found, and nothing is lost. */
	while (mounts && fgets(line, sizeof(line), mounts)) {
		unsigned int line_major, line_minor;

		if (sscanf(line, "%*d %*d %u:%u %*s %4096s", &line_major, &line_minor, path) != 3 ||
		    strcmp(path, mountpoint) != 0)
			continue;
		*dev_major = line_major;
		*dev_minor = line_minor;
		found = true;
	}
	if (mounts)
		fclose(mounts);
	return found;
}

/*
 * The kernel reads 128 KiB ahead and asks for no more at a time.  Root may make it more: dd bs=1M
 * of a mounted image takes fewer requests then.
 */
static void read_further_ahead(const struct session *session)
{
	unsigned int dev_major, dev_minor;
	char path[64];
	int fd;

	if (!find_device(session->mountpoint, &dev_major, &dev_minor))
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", dev_major, dev_minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, READ_AHEAD_KIB, strlen(READ_AHEAD_KIB)) < 0)
		bmap_log(BMAP_LOG_DEBUG, "'%s' stays as it is: %s", path, strerror(errno));
	close(fd);
}

void session_note_open(struct session *session)
{
	if (!atomic_flag_test_and_set(&session->was_opened))
		read_further_ahead(session);
}

/*
 * Ends the session at a signal; and when the kernel has let go of the mount (POLLERR), calls back
 * those who still wait for bytes that nobody will read.
 */
static void *watch_thread(void *opaque)
{
	struct session *session = opaque;
	struct pollfd fds[] = {
		{.fd = session->stop_fd, .events = POLLIN},
		{.fd = session->signal_fd, .events = POLLIN},
		{.fd = fuse_session_fd(session->fuse)},
		{.fd = session->forget_fd, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	do {
		if (poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[3].revents)
			forget_pages(session);
	} while (!fds[0].revents && !fds[1].revents && !fds[2].revents);
	if (fds[0].revents)
		return NULL;
	session->cancel(session->opaque);
	if (fds[1].revents && read(session->signal_fd, &info, sizeof(info)) == sizeof(info))
		bmap_log(BMAP_LOG_INFO, "ended by signal %u", info.ssi_signo);
	fuse_session_exit(session->fuse);
	wake_main_thread(session);
	return NULL;
}

/* What libfuse said last while a session was being opened: the reason why it was not. */
static _Thread_local char last_words[256];

/* libfuse says in several parts what is wrong with options; it is one line of ours. */
static void log_fuse(enum fuse_log_level level, const char *format, va_list args)
{
	static _Thread_local char line[sizeof(last_words)];
	size_t len = strlen(line);
	char *end;

	vsnprintf(line + len, sizeof(line) - len, format, args);
	end = strchr(line, '\n');
	if (!end && strlen(line) + 1 < sizeof(line))
		return;
	if (end)
		*end = '\0';
	if (level <= FUSE_LOG_WARNING)
		memcpy(last_words, line, sizeof(line));
	bmap_log(BMAP_LOG_DEBUG, "%s", line);
	line[0] = '\0';
}

/* With what libfuse had to say, where it said something. */
static int fuse_failed(struct bmap_error *err, int code, const char *what, const char *name)
{
	return bmap_error_set(err, code, "cannot %s%s%s%s", what, name, last_words[0] ? ": " : "",
			      last_words);
}

static int open_session(struct session *session, const struct session_options *options,
			const struct fuse_lowlevel_ops *ops, size_t ops_size,
			struct bmap_error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	CLEANUP_FREE char *words = NULL;
	int r;

	/* mount(8) says rw where nobody said anything, so what must be is said last. */
	if (asprintf(&words, "default_permissions,subtype=bmapfs%s%s%s",
		     options->mount_options[0] ? "," : "", options->mount_options,
		     options->is_read_only ? ",ro" : "") < 0) {
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
		return fuse_failed(err, EINVAL, "mount with these options", "");
	return 0;
}

/* ---- what takes longer ---- */

struct deferred {
	struct deferred *next;
	session_work *work;
	void *opaque;
};

/* Of the one session of this program. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct deferred *first, **end; /* guarded by lock */
	bool is_over;                  /* guarded by lock */
	pthread_t threads[N_WORKERS];
	unsigned int n_threads;
} workers = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void session_defer(session_work *work, void *opaque)
{
	struct deferred *deferred = workers.n_threads ? malloc(sizeof(*deferred)) : NULL;

	if (!deferred) {
		work(opaque);
		return;
	}
	*deferred = (struct deferred){.work = work, .opaque = opaque};
	LOCKED(&workers.lock);
	*workers.end = deferred;
	workers.end = &deferred->next;
	pthread_cond_signal(&workers.changed);
}

/* NULL: it is over, and nothing is left. */
static struct deferred *take_deferred(void)
{
	LOCKED(&workers.lock);
	struct deferred *deferred;

	while (!workers.first && !workers.is_over)
		pthread_cond_wait(&workers.changed, &workers.lock);
	deferred = workers.first;
	if (!deferred)
		return NULL;
	workers.first = deferred->next;
	if (!workers.first)
		workers.end = &workers.first;
	return deferred;
}

static void *worker_thread(void *opaque)
{
	struct deferred *deferred;

	while ((deferred = take_deferred())) {
		deferred->work(deferred->opaque);
		free(deferred);
	}
	return opaque;
}

static void end_workers(void)
{
	pthread_mutex_lock(&workers.lock);
	workers.is_over = true;
	pthread_cond_broadcast(&workers.changed);
	pthread_mutex_unlock(&workers.lock);
	while (workers.n_threads)
		pthread_join(workers.threads[--workers.n_threads], NULL);
}

/*
 * Takes requests until the session ends.  Who waits for each of them sends the next one a few
 * microseconds after the answer; being woken for it takes longer than that, so for a moment we look
 * out for it, where another processor is there for who waits.
 */
static int take_requests(struct session *session)
{
	const uint64_t watch_nsec = count_processors() > 1 ? WATCH_NSEC : 0;
	struct pollfd device = {.fd = fuse_session_fd(session->fuse), .events = POLLIN};
	struct fuse_buf request = {0};
	uint64_t answered_nsec = 0;
	int r = 0;

	if (fcntl(device.fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	while (!fuse_session_exited(session->fuse)) {
		r = fuse_session_receive_buf(session->fuse, &request);
		if (r > 0) {
			fuse_session_process_buf(session->fuse, &request);
			answered_nsec = clock_nsec();
		} else if (r != -EAGAIN && r != -EINTR) {
			break;
		} else if (clock_nsec() - answered_nsec > watch_nsec) {
			/* A signal ends it, too: that the session is over is seen above. */
			poll(&device, 1, -1);
		}
	}
	free(request.mem);
	/* Once it is over libfuse's own loop says how it ended, and does no more. */
	return r < 0 && r != -EAGAIN && r != -EINTR ? r : fuse_session_loop(session->fuse);
}

static int serve_quickly(struct session *session, struct bmap_error *err)
{
	int r = 0;

	workers.end = &workers.first;
	while (r == 0 && workers.n_threads < N_WORKERS) {
		r = pthread_create(&workers.threads[workers.n_threads], NULL, worker_thread, NULL);
		workers.n_threads += r == 0;
	}
	if (r)
		bmap_error_set_system(err, r, "cannot start a thread");
	else
		r = take_requests(session);
	end_workers();
	/* A mount that was taken away with requests waiting says so otherwise. */
	return r < 0 && r != -ENODEV && r != -ECONNABORTED
		       ? bmap_error_set_system(err, -r, "the mount broke")
		       : -err->code;
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

/* From here on the signals that end a session are taken by its watcher alone. */
static int block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int run_mounted(struct session *session, bool is_quick, struct daemon *daemon,
		       struct bmap_error *err)
{
	pthread_t watcher;
	int r;

	/* It changes where the log goes, so no thread that logs may run yet. */
	daemon_ready(daemon, "bmapfs");
	r = pthread_create(&watcher, NULL, watch_thread, session);
	if (r)
		return bmap_error_set_system(err, r, "cannot start a thread");
	r = is_quick ? serve_quickly(session, err) : serve(session, err);
	atomic_store(&session->is_over, true);
	eventfd_write(session->stop_fd, 1);
	pthread_join(watcher, NULL);
	return r;
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
	CLEANUP_CLOSE int signal_fd = block_signals();
	CLEANUP_CLOSE int stop_fd = eventfd(0, EFD_CLOEXEC);
	CLEANUP_CLOSE int forget_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (signal_fd < 0 || stop_fd < 0 || forget_fd < 0)
		return bmap_error_set_system(err, errno, "cannot wait for signals");
	session.mountpoint = options->mountpoint;
	session.signal_fd = signal_fd;
	session.stop_fd = stop_fd;
	session.forget_fd = forget_fd;
	sigaction(SIGUSR2, &wake, NULL);
	if (open_session(&session, options, ops, ops_size, err) < 0)
		return -err->code;
	if (fuse_session_mount(session.fuse, options->mountpoint) != 0) {
		fuse_session_destroy(session.fuse);
		return fuse_failed(err, EIO, "mount at ", options->mountpoint);
	}
	if (options->handle)
		*options->handle = &session;
	(void)!run_mounted(&session, options->is_quick, daemon, err);
	if (options->handle)
		*options->handle = NULL;
	fuse_session_unmount(session.fuse);
	fuse_session_destroy(session.fuse);
	return -err->code;
}
