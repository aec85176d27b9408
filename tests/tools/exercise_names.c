/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exercise_folder: chance; files, their handles and names, and what is done to these. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "exercise.h"

/* ---- chance ---- */

/* splitmix64 */
uint64_t draw(struct run *run, uint64_t below)
{
	uint64_t z = run->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

bool percent(struct run *run, unsigned int n)
{
	return draw(run, 100) < n;
}

unsigned int draw_name(struct run *run, bool is_used)
{
	for (unsigned int i = 0; i < 4 * N_NAMES; i++) {
		unsigned int name = (unsigned int)draw(run, N_NAMES);

		if ((run->names[name] != NULL) == is_used)
			return name;
	}
	return N_NAMES;
}

/* ---- files and handles ---- */

struct file *file_new(struct run *run)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		exit(99);
	file->model = model_new();
	file->id = ++run->n_files;
	return file;
}

void file_put(struct file *file)
{
	if (file->n_links || file->n_handles || file->n_snapshots)
		return;
	model_free(file->model);
	free(file->record);
	free(file);
}

/* Whether the daemon is gone: asked for a while, as it may be about to go. */
static bool is_gone(const struct run *run)
{
	struct statvfs st;

	/* statfs() is answered by nobody else. */
	for (int i = 0; i < 200; i++) {
		if (statvfs(run->mountpoint, &st) < 0 &&
		    (errno == ENOTCONN || errno == ECONNABORTED))
			return true;
		usleep(1000);
	}
	return false;
}

int64_t done(struct run *run, const struct file *file, int64_t result, int64_t as_if)
{
	int error = errno;

	if (result >= 0 && !(run->may_die && result < as_if))
		return result;
	/* A request that was under way is ECONNABORTED or EIO, later ones are ENOTCONN.  Of a long
	 * write a part may have been done. */
	if (run->may_die && (error == ENOTCONN || error == ECONNABORTED ||
			     ((result >= 0 || error == EIO) && is_gone(run)))) {
		run->is_dead = true;
		return as_if;
	}
	if (result >= 0)
		return result;
	mismatch(run, file, "%s", strerror(error));
}

void learn(struct run *run, unsigned int name)
{
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);
	struct file *file = run->names[name];
	char record[4096] = "";
	int64_t len = 0;

	if (run->has_records)
		len = getxattr(path, "user.bmapfs.trace", record, sizeof(record) - 1);
	/* What was there before the mount need not have a record before it is changed. */
	if (len < 0 && !(errno == ENODATA && file->was_there))
		len = done(run, file, len, 0);
	if (len > 0) {
		if (record[0] != '/')
			mismatch(run, file, "user.bmapfs.trace is '%s', no absolute path", record);
		if (file->record && strcmp(strrchr(file->record, '/'), strrchr(record, '/')) != 0)
			mismatch(run, file, "user.bmapfs.trace is '%s', but was '%s'", record,
				 file->record);
		free(file->record);
		file->record = strdup(record);
	}
	if (folder_is_visible(run))
		file->inode = stat_in_folder(run, name).st_ino;
}

void learn_all(struct run *run)
{
	for (unsigned int i = 0; i < N_NAMES; i++) {
		if (run->names[i])
			learn(run, i);
	}
}

static void add_handle(struct run *run, int fd, struct file *file, int flags)
{
	int mode = flags & O_ACCMODE;
	struct handle *handle = &run->handles[run->n_handles++];

	*handle = (struct handle){.fd = fd,
				  .file = file,
				  .can_read = mode != O_WRONLY,
				  .can_write = mode != O_RDONLY,
				  .appends = (flags & O_APPEND) != 0};
	file->n_handles++;
	file->n_writers += handle->can_write;
}

static void close_handle(struct run *run, struct handle *handle)
{
	struct file *file = handle->file;
	bool can_write = handle->can_write;

	note(run, file, "close %d", handle->fd);
	done(run, file, close(handle->fd), 0);
	*handle = run->handles[--run->n_handles];
	file->n_handles--;
	if (can_write && --file->n_writers == 0)
		file->writer_left_msec = now_msec();
	file_put(file);
}

void close_all(struct run *run)
{
	while (run->n_handles)
		close_handle(run, &run->handles[0]);
}

void do_create(struct run *run)
{
	unsigned int name = draw_name(run, false);
	int flags = O_CREAT | O_EXCL | O_CLOEXEC | (percent(run, 80) ? O_RDWR : O_WRONLY);
	CLEANUP_FREE char *path = NULL;
	struct file *file;
	int fd;

	if (name == N_NAMES || run->n_handles == MAX_HANDLES)
		return;
	path = path_of(run->mountpoint, name);
	file = run->names[name] = file_new(run);
	file->n_links = 1;
	fd = (int)done(run, file, open(path, flags, 0644), -1);
	note(run, file, "create %s: %d", path, fd);
	if (run->is_dead)
		return;
	add_handle(run, fd, file, flags);
	learn(run, name);
}

void do_open(struct run *run)
{
	static const int modes[] = {O_RDONLY, O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
	unsigned int name = draw_name(run, true);
	int flags = O_CLOEXEC | modes[draw(run, ARRAY_SIZE(modes))];
	CLEANUP_FREE char *path = NULL;
	struct file *file;
	int fd;

	if (name == N_NAMES || run->n_handles == MAX_HANDLES)
		return;
	if ((flags & O_ACCMODE) != O_RDONLY) {
		flags |= percent(run, 25) ? O_APPEND : 0;
		flags |= percent(run, 10) ? O_TRUNC : 0;
		flags |= percent(run, 10) ? O_DSYNC : 0;
	}
	path = path_of(run->mountpoint, name);
	file = run->names[name];
	fd = (int)done(run, file, open(path, flags), -1);
	note(run, file, "open %s, flags %#o: %d", path, flags & ~O_CLOEXEC, fd);
	if (flags & O_TRUNC)
		model_truncate(file->model, 0);
	if (!run->is_dead)
		add_handle(run, fd, file, flags);
}

void do_close(struct run *run)
{
	if (run->n_handles)
		close_handle(run, &run->handles[draw(run, run->n_handles)]);
}

/* ---- names ---- */

static void drop_name(struct run *run, unsigned int name)
{
	struct file *file = run->names[name];

	run->names[name] = NULL;
	file->n_links--;
	file_put(file);
}

void do_unlink(struct run *run)
{
	unsigned int name = draw_name(run, true);
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);

	if (name == N_NAMES)
		return;
	note(run, run->names[name], "unlink %s", path);
	done(run, run->names[name], unlink(path), 0);
	drop_name(run, name);
}

void do_link(struct run *run)
{
	unsigned int name = draw_name(run, true), other = draw_name(run, false);
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);
	CLEANUP_FREE char *other_path = path_of(run->mountpoint, other);

	if (name == N_NAMES || other == N_NAMES)
		return;
	note(run, run->names[name], "link %s", other_path);
	done(run, run->names[name], link(path, other_path), 0);
	run->names[other] = run->names[name];
	run->names[name]->n_links++;
}

void do_rename(struct run *run)
{
	static const unsigned int all_flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	unsigned int flags = all_flags[draw(run, ARRAY_SIZE(all_flags))];
	unsigned int name = draw_name(run, true);
	unsigned int other = draw_name(run, flags == RENAME_EXCHANGE || percent(run, 60));
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);
	CLEANUP_FREE char *other_path = path_of(run->mountpoint, other);
	struct file *file, *target;
	int r;

	if (name == N_NAMES || other == N_NAMES || name == other)
		return;
	file = run->names[name];
	target = run->names[other];
	r = renameat2(AT_FDCWD, path, AT_FDCWD, other_path, flags);
	note(run, file, "rename %s to %s, flags %u: %d", path, other_path, flags, r);
	if (target)
		note(run, target, "rename %s over it, flags %u: %d", path, flags, r);
	if (flags == RENAME_NOREPLACE && target && r == 0)
		mismatch(run, target, "it was replaced");
	if (flags == RENAME_NOREPLACE && target && errno == EEXIST)
		return;
	done(run, file, r, 0);
	/* rename(2): two names of one file stay as they are. */
	if (target == file)
		return;
	if (flags == RENAME_EXCHANGE) {
		run->names[name] = target;
		run->names[other] = file;
		return;
	}
	if (target)
		drop_name(run, other);
	run->names[other] = file;
	run->names[name] = NULL;
}

void do_attributes(struct run *run)
{
	unsigned int name = draw_name(run, true);
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);
	const struct timespec times[2] = {{.tv_sec = (time_t)draw(run, 1 << 30)},
					  {.tv_sec = (time_t)draw(run, 1 << 30), .tv_nsec = 5}};
	struct stat st;
	char value[8] = "";
	struct file *file;

	if (name == N_NAMES)
		return;
	file = run->names[name];
	note(run, file, "mode, times and an attribute");
	done(run, file, chmod(path, 0600 | (mode_t)draw(run, 64)), 0);
	if (!run->is_dead)
		done(run, file, utimensat(AT_FDCWD, path, times, 0), 0);
	if (!run->is_dead)
		done(run, file, setxattr(path, "user.exercise", "some", 4, 0), 0);
	if (!run->is_dead)
		done(run, file, getxattr(path, "user.exercise", value, sizeof(value) - 1), 0);
	if (!run->is_dead)
		done(run, file, stat(path, &st), 0);
	if (!run->is_dead && (strcmp(value, "some") != 0 || st.st_mtim.tv_sec != times[1].tv_sec ||
			      st.st_mtim.tv_nsec != 5))
		mismatch(run, file, "the time or the attribute is not what was set");
}
