/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exercise_folder: its state, and what its parts have of each other.
 *
 * A mismatch ends the program with 1 and says seed, step and operation, the file, the block, what
 * was expected and what was found, and what was done to that file before.
 *
 * Threads: one.
 */
#ifndef EXERCISE_H
#define EXERCISE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "trace_model.h"

#define N_NAMES     10
#define MAX_HANDLES 12
#define N_NOTES     256
#define NOTE_LEN    128

/* An inode: by its names, or by handles after the last of these went. */
struct file {
	struct model *model;
	unsigned int id;
	unsigned int n_links, n_handles, n_writers, n_snapshots;
	uint64_t inode;    /* in FOLDER; 0: not known */
	char *record;      /* absolute path, by the attribute; NULL: not known */
	bool was_there;    /* before the mount */
	bool has_no_facts; /* its record went with its last link before it was read */
	/* When the last writer closed it; the kernel tells the daemon later.  0: that is long ago.
	 */
	int64_t writer_left_msec;
};

struct handle {
	int fd;
	struct file *file;
	bool can_read, can_write, appends;
};

struct run {
	/* options */
	uint64_t seed;
	unsigned long n_steps, n_checks;
	enum punch punch;
	bool has_records, is_verbose;
	const char *mountpoint, *records, *folder;
	const char *unmount, *mount; /* commands; NULL */
	const char *pid_file;        /* of the daemon that is killed; NULL */
	unsigned int n_crashes;

	/* state */
	uint64_t random;
	unsigned long step;
	const char *operation;
	struct file *names[N_NAMES];
	struct handle handles[MAX_HANDLES];
	size_t n_handles;
	unsigned int n_files;
	bool has_shared_mappings, has_crashed;
	/* The daemon may be gone from now on; it is gone, and the operation at hand was cut. */
	bool may_die, is_dead;
	int killer; /* a process */
	char notes[N_NOTES][NOTE_LEN];
	unsigned long n_notes;
	unsigned long n_done, n_compared; /* operations; blocks, for the summary */
};

/* ---- exercise_check.c ---- */

int64_t now_msec(void);
/* What was done, for whoever has to find out why; begins with the file's number if there is one. */
__attribute__((format(printf, 3, 4))) void note(struct run *run, const struct file *file,
						const char *format, ...);
__attribute__((format(printf, 3, 4), noreturn)) void
mismatch(struct run *run, const struct file *file, const char *format, ...);
/* BASE/NAME; the caller frees. */
char *path_of(const char *base, unsigned int name);
/* Runs a command of the options. */
void run_command(struct run *run, const char *command);
/* Its device and inode in FOLDER.  FOLDER must be visible. */
struct stat stat_in_folder(struct run *run, unsigned int name);
bool folder_is_visible(const struct run *run);

/* "17 written+punched" */
const char *facts_text(uint8_t facts, char text[96]);
/* Loose blocks get what the record says, which must be allowed. */
void settle(struct run *run, struct file *file);
/* The record of a file, by its place in RECORDS_FOLDER; the caller frees.  NULL: not known. */
char *record_in_folder(struct run *run, const struct file *file);
/* Facts of a record: blocks from the first on, n_facts of them; an empty one where there is none.
 */
uint8_t *read_facts(struct run *run, const struct file *file, const char *path, size_t *n_facts);

/* Everything as it can be seen through the mount, beside it and in records. */
void check_all(struct run *run);
/* The same after unmounting: FOLDER and records that were closed. */
void check_closed(struct run *run);

/* ---- exercise_crash.c ---- */

struct snapshot;
struct snapshot *snapshot_take(const struct run *run);
void snapshot_free(struct snapshot *snapshot);
/* Kills the daemon in a short while. */
void crash_soon(struct run *run);
/* Unmounts, compares with what was before and what would have been after the operation, goes on
 * with what is there. */
void crash_recover(struct run *run, struct snapshot *before);

/* ---- exercise_names.c ---- */

uint64_t draw(struct run *run, uint64_t below);
bool percent(struct run *run, unsigned int n);
/* @is_used: a name with a file, else one without; N_NAMES: there is none. */
unsigned int draw_name(struct run *run, bool is_used);
struct file *file_new(struct run *run);
/* Frees it when it has neither names nor handles, and stands in no snapshot. */
void file_put(struct file *file);
/*
 * The result of a call: @as_if when the daemon was killed meanwhile, as if all had been done; any
 * other failure is a mismatch.
 */
int64_t done(struct run *run, const struct file *file, int64_t result, int64_t as_if);
/* Its record and its inode, where these can be seen. */
void learn(struct run *run, unsigned int name);
void learn_all(struct run *run);
void close_all(struct run *run);
void do_create(struct run *run);
void do_open(struct run *run);
void do_close(struct run *run);
void do_unlink(struct run *run);
void do_link(struct run *run);
void do_rename(struct run *run);
void do_attributes(struct run *run);

/* ---- exercise_bytes.c ---- */

void do_write(struct run *run);
void do_read(struct run *run);
void do_truncate(struct run *run);
void do_allocate(struct run *run);
void do_copy(struct run *run);
void do_sync(struct run *run);
void do_seek(struct run *run);
void do_map_private(struct run *run);
void do_map_shared(struct run *run);

#endif
