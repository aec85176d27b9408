/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "folder_mount.h"
#include "trace_command.h"

/* What the kernel allows at most, unless somebody has raised it. */
#define MAX_FILES 1048576

#define LOCK_TRIES      100
#define LOCK_PAUSE_MSEC 20

struct trace_command {
	const struct mount_options *options;
	const char *mountpoint;
	char *source; /* absolute */
	bool is_folder, is_over_itself;
	int source_fd;
	char *records_path;
	int records_fd;
};

static bool is_of_type(const char *path, mode_t type)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

bool is_trace_command(const struct mount_options *options)
{
	if (!options->is_traced || is_of_type(options->source, S_IFDIR))
		return options->is_traced;
	/* Of an image a file is named, for what is read of it. */
	return is_of_type(options->source, S_IFREG) &&
	       (!options->trace || is_of_type(options->trace, S_IFDIR));
}

static int out_of_memory(struct bmap_error *err)
{
	return bmap_error_set(err, ENOMEM, "out of memory");
}

/* Who was unmounted a moment ago may not be gone yet. */
static int lock_soon(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MSEC * 1000000L};
	int r = -1;

	for (int i = 0; r < 0 && i < LOCK_TRIES; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		r = flock(fd, LOCK_EX | LOCK_NB);
	}
	return r;
}

/* The folder or file, which nobody else may trace at the same time. */
static int open_source(struct trace_command *trace, struct bmap_error *err)
{
	const char *name = trace->options->source;
	struct stat st;

	trace->source = realpath(name, NULL);
	if (trace->source)
		trace->source_fd = open(trace->source, O_RDONLY | O_CLOEXEC);
	if (trace->source_fd < 0 || fstat(trace->source_fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", name);
	trace->is_folder = S_ISDIR(st.st_mode);
	if (lock_soon(trace->source_fd) < 0)
		return bmap_error_set(err, EBUSY,
				      "'%s' is traced already, or locked by another program", name);
	return 0;
}

/* Requests of our own for what we serve would wait for ourselves. */
static int check_mountpoint(struct trace_command *trace, struct bmap_error *err)
{
	size_t len = strlen(trace->source);

	trace->is_over_itself = strcmp(trace->source, trace->mountpoint) == 0;
	if (trace->is_folder != is_of_type(trace->mountpoint, S_IFDIR))
		return bmap_error_set(
			err, EINVAL, "cannot mount at '%s': it is %s, but '%s' is %s",
			trace->options->mountpoint, trace->is_folder ? "a file" : "a folder",
			trace->options->source, trace->is_folder ? "a folder" : "a file");
	if (trace->is_folder && !trace->is_over_itself &&
	    strncmp(trace->mountpoint, trace->source, len) == 0 &&
	    (trace->mountpoint[len] == '/' || len == 1))
		return bmap_error_set(err, EINVAL,
				      "cannot mount at '%s': it lies within '%s', which would show "
				      "itself",
				      trace->options->mountpoint, trace->options->source);
	return 0;
}

/* Where the records lie: made where it is not there. */
static int open_records(struct trace_command *trace, struct bmap_error *err)
{
	const char *slash = strrchr(trace->source, '/');
	int folder_len =
		trace->is_folder ? (int)strlen(trace->source) : (int)MAX(slash - trace->source, 1);
	CLEANUP_FREE char *path = NULL;

	if (trace->options->trace && path_is_same_file(trace->options->trace, trace->source))
		return bmap_error_set(
			err, EINVAL,
			"the records cannot lie among the traced files of '%s': leave "
			"its name out after --trace, or name a folder in it",
			trace->options->trace);
	if (trace->options->trace)
		path = strdup(trace->options->trace);
	else if (asprintf(&path, "%.*s/" BMAP_TRACE_FOLDER, folder_len, trace->source) < 0)
		path = NULL;
	if (!path)
		return out_of_memory(err);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return bmap_error_set_system(err, errno, "cannot make the folder '%s' for records",
					     path);
	trace->records_path = realpath(path, NULL);
	if (trace->records_path)
		trace->records_fd = open(trace->records_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (trace->records_fd < 0)
		return bmap_error_set_system(err, errno, "cannot open the folder '%s' of records",
					     path);
	return 0;
}

/* ---- records that are there already ---- */

static int check_record(const struct trace_command *trace, const char *path, struct bmap_error *err)
{
	const struct bmap_trace_folder records = {trace->records_fd, trace->records_path};
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct bmap_error why = {0};
	struct bmap_trace *record;
	int r;

	if (fd < 0)
		return 0;
	r = bmap_trace_begin(&record, &records, fd, path, BMAP_TRACE_GO_ON, &why);
	if (r == 0)
		bmap_trace_close(record);
	if (r == 0 || r == -ENOENT)
		return 0;
	return bmap_error_set(err, why.code,
			      "%s (without that record its blocks count as written, or as --assume "
			      "says)",
			      why.message);
}

static bool is_empty(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry = NULL;

	while (folder && (entry = readdir(folder)) && entry->d_name[0] == '.')
		;
	if (folder)
		closedir(folder);
	return !entry;
}

/* A file that was changed behind our back is found now and not in the middle of the work. */
static int check_records(const struct trace_command *trace, struct bmap_error *err)
{
	char *const roots[] = {trace->source, NULL};
	FTSENT *entry;
	FTS *walk;
	int r = 0;

	if (is_empty(trace->records_path))
		return 0;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!walk)
		return bmap_error_set_system(err, errno, "cannot read '%s'", trace->source);
	while (r == 0 && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_F)
			r = check_record(trace, entry->fts_path, err);
		else if (entry->fts_info == FTS_D && !strcmp(entry->fts_path, trace->records_path))
			fts_set(walk, entry, FTS_SKIP);
	}
	fts_close(walk);
	return r;
}

/* ---- the mount ---- */

/* A descriptor a file and another a record, as many as there may be. */
static void allow_files(void)
{
	struct rlimit limit = {.rlim_cur = MAX_FILES, .rlim_max = MAX_FILES};

	/* Root may have more than it was given. */
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int serve(struct trace_command *trace, struct daemon *daemon, struct bmap_error *err)
{
	const struct mount_options *options = trace->options;
	const struct session_options session = {
		.mountpoint = trace->mountpoint,
		.source = trace->source,
		.mount_options = options->others,
		.is_quick = true,
	};
	char hidden_path[64];
	CLEANUP_CLOSE int root_fd = open(trace->source, O_PATH | O_CLOEXEC);
	struct folder_mount mount = {
		.root_fd = root_fd,
		.records = {trace->records_fd, trace->records_path},
		.punch = options->punch,
		.assumed = options->assumed,
	};

	if (root_fd < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", options->source);
	/* Mounted over itself the folder hides them: they are reached through this process. */
	if (trace->is_over_itself && trace->is_folder) {
		snprintf(hidden_path, sizeof(hidden_path), "/proc/%d/fd/%d", (int)getpid(),
			 trace->records_fd);
		mount.records.path = hidden_path;
	}
	if (options->events && event_log_open(&mount.events, options->events, err) < 0)
		return -err->code;
	umask(0);
	allow_files();
	bmap_trace_map_records();
	(void)!folder_mount_run(&mount, &session, daemon, err);
	event_log_close(mount.events);
	return -err->code;
}

int trace_command_run(const struct mount_options *options, const char *mountpoint,
		      struct daemon *daemon, struct bmap_error *err)
{
	struct trace_command trace = {
		.options = options,
		.mountpoint = mountpoint,
		.source_fd = -1,
		.records_fd = -1,
	};

	if (open_source(&trace, err) == 0 && check_mountpoint(&trace, err) == 0 &&
	    open_records(&trace, err) == 0 && check_records(&trace, err) == 0)
		(void)!serve(&trace, daemon, err);
	if (trace.source_fd >= 0)
		close(trace.source_fd);
	if (trace.records_fd >= 0)
		close(trace.records_fd);
	free(trace.source);
	free(trace.records_path);
	return -err->code;
}
