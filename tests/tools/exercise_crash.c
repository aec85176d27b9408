/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exercise_folder: the daemon is killed in the middle of an operation.
 *
 * What that operation did not touch must be as the model has it, to the byte.  What it touched is
 * as before, as afterwards, or between the two; and where data is not as before, the record says
 * so: too much, but never too little.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "exercise.h"

#define MAX_DELAY_USEC 30000

struct snapshot {
	/* Each file once; models as they were. */
	struct {
		struct file *file;
		struct model *model;
	} files[N_NAMES];
	size_t n_files;
	struct file *names[N_NAMES];
};

static struct model *model_before(const struct snapshot *snapshot, const struct file *file)
{
	for (size_t i = 0; i < snapshot->n_files; i++) {
		if (snapshot->files[i].file == file)
			return snapshot->files[i].model;
	}
	return NULL;
}

struct snapshot *snapshot_take(const struct run *run)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		exit(99);
	for (unsigned int i = 0; i < N_NAMES; i++) {
		struct file *file = snapshot->names[i] = run->names[i];

		if (!file)
			continue;
		if (model_before(snapshot, file))
			continue;
		snapshot->files[snapshot->n_files].file = file;
		snapshot->files[snapshot->n_files++].model = model_clone(file->model);
		/* Keeps it, whatever the operation unlinks. */
		file->n_snapshots++;
	}
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->n_files; i++) {
		model_free(snapshot->files[i].model);
		snapshot->files[i].file->n_snapshots--;
		file_put(snapshot->files[i].file);
	}
	free(snapshot);
}

void crash_soon(struct run *run)
{
	useconds_t delay_usec = (useconds_t)draw(run, MAX_DELAY_USEC);
	FILE *file = fopen(run->pid_file, "r");
	int pid = 0;

	if (!file || fscanf(file, "%d", &pid) != 1 || pid <= 1)
		mismatch(run, NULL, "%s holds no process", run->pid_file);
	fclose(file);
	fflush(stdout);
	run->killer = fork();
	if (run->killer == 0) {
		usleep(delay_usec);
		kill(pid, SIGKILL);
		_exit(0);
	}
}

/* ---- afterwards ---- */

/* The file that has this name in FOLDER now: that of before or that of afterwards; NULL: neither.
 */
static struct file *find_actual(struct run *run, const struct snapshot *before, unsigned int name)
{
	struct file *old = before->names[name], *new = run->names[name];
	CLEANUP_FREE char *path = path_of(run->folder, name);
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT || (old && new))
			mismatch(run, new, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (old && old->inode == st.st_ino)
		return old;
	/* One that was being made. */
	if (new &&new->inode == 0)
		new->inode = st.st_ino;
	if (!new || new->inode != st.st_ino)
		mismatch(run, new, "%s is another file", path);
	return new;
}

static void adopt_names(struct run *run, const struct snapshot *before)
{
	struct file *actual[N_NAMES], *after[N_NAMES];

	for (unsigned int i = 0; i < N_NAMES; i++) {
		actual[i] = find_actual(run, before, i);
		after[i] = run->names[i];
	}
	for (unsigned int i = 0; i < N_NAMES; i++) {
		if (after[i])
			after[i]->n_links = 0;
		if (actual[i])
			actual[i]->n_links = 0;
	}
	for (unsigned int i = 0; i < N_NAMES; i++) {
		run->names[i] = actual[i];
		if (actual[i])
			actual[i]->n_links++;
	}
	for (unsigned int i = 0; i < N_NAMES; i++) {
		bool is_first = after[i] != NULL;

		for (unsigned int j = 0; is_first && j < i; j++)
			is_first = after[i] != after[j];
		if (is_first)
			file_put(after[i]);
	}
}

/* What one block was, what it would have become, and what it is. */
struct torn_block {
	uint64_t number;
	struct model_block new_block;
	uint8_t old_facts, facts;
	uint8_t old_data[MODEL_BLOCK_BYTES], new_data[MODEL_BLOCK_BYTES], data[MODEL_BLOCK_BYTES];
};

static bool facts_are_right(const struct torn_block *b)
{
	bool is_old = memcmp(b->data, b->old_data, MODEL_BLOCK_BYTES) == 0;
	bool is_new = memcmp(b->data, b->new_data, MODEL_BLOCK_BYTES) == 0;
	uint8_t any = b->old_facts | b->new_block.facts | b->new_block.may_have;
	bool is_touched = b->old_facts != b->new_block.facts || b->new_block.may_have ||
			  b->new_block.may_lack || !is_old || !is_new;

	/* A value that is still there must not be forgotten yet. */
	if (!is_new && (b->old_facts & FACTS_MAPPED) && !(b->facts & FACTS_MAPPED))
		return false;
	if (is_old && b->facts == b->old_facts)
		return true;
	if (model_allows(&b->new_block, b->facts))
		return true;
	return is_touched && (b->facts & ~any) == 0 && (b->facts & FACTS_MAPPED) != 0;
}

static void check_torn_block(struct run *run, const struct file *file, const struct torn_block *b)
{
	char old[96], new[96], found[96];

	run->n_compared++;
	for (size_t i = 0; i < MODEL_BLOCK_BYTES; i++) {
		if (b->data[i] != b->old_data[i] && b->data[i] != b->new_data[i])
			mismatch(run, file,
				 "block %" PRIu64 ", byte %zu of it: %#x, before %#x, written %#x",
				 b->number, i, b->data[i], b->old_data[i], b->new_data[i]);
	}
	if (!run->has_records || facts_are_right(b))
		return;
	mismatch(run, file,
		 "block %" PRIu64 ": after the crash the record says %s; before %s, afterwards %s; "
		 "data as before: %s, as afterwards: %s",
		 b->number, facts_text(b->facts, found), facts_text(b->old_facts, old),
		 facts_text(b->new_block.facts, new),
		 memcmp(b->data, b->old_data, MODEL_BLOCK_BYTES) ? "no" : "yes",
		 memcmp(b->data, b->new_data, MODEL_BLOCK_BYTES) ? "no" : "yes");
}

static void adopt_block(struct run *run, struct file *file, const struct model *old, int fd,
			uint64_t number, uint8_t facts)
{
	const struct model_block *new_block = model_find(file->model, number);
	struct torn_block b = {.number = number, .facts = facts};

	if (new_block)
		b.new_block = *new_block;
	b.new_block.number = number;
	b.new_block.data = NULL; /* not to be used once the table has moved */
	b.old_facts = model_facts(old, number);
	model_bytes(old, number * MODEL_BLOCK_BYTES, b.old_data, MODEL_BLOCK_BYTES);
	model_bytes(file->model, number * MODEL_BLOCK_BYTES, b.new_data, MODEL_BLOCK_BYTES);
	if (pread(fd, b.data, MODEL_BLOCK_BYTES, (off_t)(number * MODEL_BLOCK_BYTES)) < 0)
		mismatch(run, file, "block %" PRIu64 ": %s", number, strerror(errno));
	check_torn_block(run, file, &b);
	model_settle(file->model, number, facts);
	model_set_bytes(file->model, number, b.data);
}

static void adopt_file(struct run *run, const struct snapshot *before, unsigned int name)
{
	struct file *file = run->names[name];
	const struct model *known = model_before(before, file);
	CLEANUP(model_freep) struct model *old = known ? model_clone(known) : model_new();
	CLEANUP(model_freep) struct model *new = model_clone(file->model);
	CLEANUP_FREE char *path = path_of(run->folder, name);
	CLEANUP_FREE char *record = record_in_folder(run, file);
	CLEANUP_FREE uint8_t *facts = NULL;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n_facts = 0;
	struct stat st;
	uint64_t size;

	if (fd < 0 || fstat(fd, &st) < 0)
		mismatch(run, file, "%s: %s", path, strerror(errno));
	size = (uint64_t)st.st_size;
	if (size < MIN(old->size_bytes, new->size_bytes) ||
	    size > MAX(old->size_bytes, new->size_bytes))
		mismatch(run, file, "%s: size %" PRIu64 ", before %" PRIu64 ", afterwards %" PRIu64,
			 path, size, old->size_bytes, new->size_bytes);
	facts = record ? read_facts(run, file, record, &n_facts) : NULL;
	for (uint64_t n = 0; n < n_facts; n++) {
		if (facts[n])
			adopt_block(run, file, old, fd, n, facts[n]);
	}
	/* Blocks of which the record says nothing. */
	for (size_t i = 0; i < old->n_blocks + new->n_blocks; i++) {
		uint64_t n = i < old->n_blocks ? old->blocks[i].number
					       : new->blocks[i - old->n_blocks].number;

		if (n >= n_facts || !facts[n])
			adopt_block(run, file, old, fd, n, 0);
	}
	/* It may have been cut while it was made; the next mount finds it without a record. */
	file->was_there |= !record;
	file->model->size_bytes = size;
	model_forget_behind(file->model);
}

void crash_recover(struct run *run, struct snapshot *before)
{
	close_all(run);
	waitpid(run->killer, NULL, 0);
	run->may_die = run->is_dead = false;
	run->has_crashed = true;
	run_command(run, run->unmount);
	adopt_names(run, before);
	for (unsigned int i = 0; i < N_NAMES; i++) {
		bool is_first = run->names[i] != NULL;

		for (unsigned int j = 0; is_first && j < i; j++)
			is_first = run->names[i] != run->names[j];
		if (is_first)
			adopt_file(run, before, i);
	}
	run_command(run, run->mount);
	learn_all(run);
	check_all(run);
}
