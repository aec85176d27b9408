/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exercise_folder: a random sequence of what programs do to files, in a folder that
 * `bmapfs --trace` shows, compared with a model in memory: data, sizes, holes, records.
 *
 * The same seed gives the same sequence.  --no-record compares data alone, in any folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "exercise.h"

static const struct operation {
	const char *name;
	void (*run)(struct run *run);
	unsigned int weight;
	bool not_when_dying; /* a mapping whose daemon is gone kills by SIGBUS */
} operations[] = {
	{"create", do_create, 6, false},
	{"open", do_open, 10, false},
	{"close", do_close, 8, false},
	{"write", do_write, 24, false},
	{"read", do_read, 18, false},
	{"truncate", do_truncate, 7, false},
	{"fallocate", do_allocate, 18, false},
	{"copy_file_range", do_copy, 9, false},
	{"unlink", do_unlink, 4, false},
	{"link", do_link, 2, false},
	{"rename", do_rename, 4, false},
	{"attributes", do_attributes, 2, false},
	{"fsync", do_sync, 2, false},
	{"lseek", do_seek, 6, false},
	{"private mapping", do_map_private, 4, true},
	{"shared mapping", do_map_shared, 3, true},
};

static const struct operation *draw_operation(struct run *run)
{
	unsigned int sum = 0, n;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		sum += operations[i].weight;
	n = (unsigned int)draw(run, sum);
	for (size_t i = 0;; i++) {
		if (n < operations[i].weight)
			return &operations[i];
		n -= operations[i].weight;
	}
}

/* After each operation: what the record says where the texts do not, and the sizes of open files.
 */
static void look(struct run *run)
{
	struct stat st;

	for (unsigned int i = 0; i < N_NAMES && !run->is_dead; i++) {
		if (run->names[i] && run->names[i]->was_there && !run->names[i]->record)
			learn(run, i);
		if (run->names[i])
			settle(run, run->names[i]);
	}
	for (size_t i = 0; i < run->n_handles && !run->is_dead; i++) {
		struct file *file = run->handles[i].file;

		settle(run, file);
		done(run, file, fstat(run->handles[i].fd, &st), 0);
		if (!run->is_dead && (uint64_t)st.st_size != file->model->size_bytes)
			mismatch(run, file, "size %jd", (intmax_t)st.st_size);
	}
}

/* From one command to the next: the daemon is killed in the middle of the last operation. */
static void crash(struct run *run)
{
	struct snapshot *before = NULL;

	note(run, NULL, "crash");
	run->may_die = true;
	crash_soon(run);
	do {
		const struct operation *operation = draw_operation(run);

		snapshot_free(before);
		before = snapshot_take(run);
		run->step++;
		run->operation = operation->name;
		if (!operation->not_when_dying)
			operation->run(run);
		if (!run->is_dead)
			look(run);
	} while (!run->is_dead);
	crash_recover(run, before);
	snapshot_free(before);
}

static void go_on_in_another_mount(struct run *run)
{
	note(run, NULL, "unmount and mount");
	close_all(run);
	run_command(run, run->unmount);
	check_closed(run);
	run_command(run, run->mount);
	learn_all(run);
	check_all(run);
}

static void exercise(struct run *run)
{
	unsigned long next_check = run->n_steps / run->n_checks;
	unsigned long next_mount = run->mount && !run->pid_file ? run->n_steps / 4 : run->n_steps;
	unsigned long next_crash =
		run->pid_file ? run->n_steps / (run->n_crashes + 1) : run->n_steps + 1;

	while (run->step < run->n_steps) {
		const struct operation *operation = draw_operation(run);

		run->step++;
		run->operation = operation->name;
		operation->run(run);
		look(run);
		run->n_done++;
		if (run->step >= next_check) {
			check_all(run);
			next_check = run->step + run->n_steps / run->n_checks;
		}
		if (run->step >= next_mount && run->step < run->n_steps) {
			go_on_in_another_mount(run);
			next_mount = run->step + run->n_steps / 4;
		}
		if (run->step >= next_crash) {
			crash(run);
			next_crash = run->step + run->n_steps / (run->n_crashes + 1);
		}
	}
	check_all(run);
	close_all(run);
	if (run->unmount) {
		run_command(run, run->unmount);
		check_closed(run);
	}
}

/* The file of an earlier name with this inode. */
static struct file *find_link(struct run *run, unsigned int name, uint64_t inode)
{
	for (unsigned int i = 0; i < name; i++) {
		if (run->names[i] && stat_in_folder(run, i).st_ino == inode)
			return run->names[i];
	}
	return NULL;
}

/* Files that were there before the mount: their data, and "everything written" or nothing. */
static void find_files(struct run *run, bool is_written)
{
	for (unsigned int i = 0; i < N_NAMES; i++) {
		CLEANUP_FREE char *path = path_of(run->folder, i);
		CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
		uint8_t data[MODEL_BLOCK_BYTES];
		struct file *file;
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		file = run->names[i] = find_link(run, i, st.st_ino);
		if (!file)
			file = run->names[i] = file_new(run);
		file->n_links++;
		file->was_there = true;
		for (off_t at = 0; file->n_links == 1 && at < st.st_size; at += MODEL_BLOCK_BYTES) {
			ssize_t n = pread(fd, data, sizeof(data), at);

			model_write(file->model, (uint64_t)at, data, (size_t)MAX(n, 0));
			if (!is_written)
				model_settle(file->model, (uint64_t)at / MODEL_BLOCK_BYTES, 0);
		}
		learn(run, i);
		note(run, file, "was there before the mount, %jd bytes", (intmax_t)st.st_size);
	}
}

static const char usage[] =
	"usage: exercise_folder [OPTION...] MOUNTPOINT RECORDS_FOLDER FOLDER\n"
	"  --seed=N            another sequence (1)\n"
	"  --steps=N           how many operations (2000)\n"
	"  --checks=N          how often everything is compared (8)\n"
	"  --punch=MODE        what the mount does with punches: refuse, forget, zero\n"
	"  --assume=MODE       what it says of data that was there: written, unwritten\n"
	"  --no-record         data alone, in a folder that is not traced\n"
	"  --unmount=COMMAND   unmount and look at records that were closed, at the end\n"
	"  --mount=COMMAND     with it: mount again and go on, three times\n"
	"  --crashes=N --pid-file=FILE\n"
	"                      kill the process whose number is in FILE in the middle, N times\n"
	"  --verbose           print what is done\n"
	"FOLDER must be another path than MOUNTPOINT to be looked at while it is mounted.\n";

static int bad_usage(void)
{
	fputs(usage, stderr);
	return 99;
}

static bool parse_punch(struct run *run, const char *word)
{
	static const char *const words[] = {"refuse", "forget", "zero"};

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			run->punch = i;
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"steps", required_argument, NULL, 'n'},
		{"checks", required_argument, NULL, 'k'},
		{"punch", required_argument, NULL, 'p'},
		{"assume", required_argument, NULL, 'a'},
		{"no-record", no_argument, NULL, 'r'},
		{"unmount", required_argument, NULL, 'u'},
		{"mount", required_argument, NULL, 'm'},
		{"crashes", required_argument, NULL, 'c'},
		{"pid-file", required_argument, NULL, 'f'},
		{"verbose", no_argument, NULL, 'v'},
		{0},
	};
	static struct run run = {.seed = 1,
				 .n_steps = 2000,
				 .n_checks = 8,
				 .has_records = true,
				 .has_shared_mappings = true,
				 .operation = "start"};
	CLEANUP_FREE char *sub = NULL;
	bool is_written = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			run.seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			run.n_steps = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			run.n_checks = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			if (!parse_punch(&run, optarg))
				return bad_usage();
			break;
		case 'a':
			is_written = strcmp(optarg, "written") == 0;
			break;
		case 'r':
			run.has_records = false;
			break;
		case 'u':
			run.unmount = optarg;
			break;
		case 'm':
			run.mount = optarg;
			break;
		case 'c':
			run.n_crashes = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'f':
			run.pid_file = optarg;
			break;
		case 'v':
			run.is_verbose = true;
			break;
		default:
			return bad_usage();
		}
	}
	if (argc - optind != 3 || run.n_checks == 0 || (run.mount && !run.unmount) ||
	    (run.pid_file && (!run.mount || !run.n_crashes)))
		return bad_usage();
	run.mountpoint = argv[optind];
	run.records = argv[optind + 1];
	run.folder = argv[optind + 2];
	run.random = run.seed * UINT64_C(0x2545f4914f6cdd1d);
	if (asprintf(&sub, "%s/sub", run.mountpoint) < 0 ||
	    (mkdir(sub, 0755) < 0 && errno != EEXIST)) {
		perror(sub);
		return 1;
	}
	find_files(&run, is_written);
	exercise(&run);
	printf("seed %" PRIu64 ": %lu steps, %u files, %lu blocks compared%s\n", run.seed, run.step,
	       run.n_files, run.n_compared,
	       run.has_shared_mappings ? "" : "; no shared mappings here");
	return 0;
}
