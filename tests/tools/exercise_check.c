/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exercise_folder: compares files, their holes and their records with the model. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "exercise.h"

#define RECORD_HEADER_LEN 4096
/* What closed records have behind these fields, length and digest, is the program's to check. */
#define RECORD_FIELDS_LEN 136
#define RECORD_IN_USE     1
#define CHUNK_LEN         (256 << 10)
#define PATIENCE_MSEC     5000

int64_t now_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void note(struct run *run, const struct file *file, const char *format, ...)
{
	char *line = run->notes[run->n_notes++ % N_NOTES];
	int at = snprintf(line, NOTE_LEN, "#%u at %lu: ", file ? file->id : 0, run->step);
	va_list args;

	va_start(args, format);
	vsnprintf(line + at, (size_t)(NOTE_LEN - at), format, args);
	va_end(args);
	if (run->is_verbose)
		fprintf(stderr, "  %s\n", line);
}

/* What was done to @file of late, or the last of all. */
static void print_notes(const struct run *run, const struct file *file)
{
	unsigned long n = file ? N_NOTES : N_NOTES / 16;
	unsigned long first = run->n_notes > n ? run->n_notes - n : 0;
	char begin[32];

	snprintf(begin, sizeof(begin), "#%u ", file ? file->id : 0);
	for (unsigned long i = first; i < run->n_notes; i++) {
		const char *line = run->notes[i % N_NOTES];

		if (!file || strncmp(line, begin, strlen(begin)) == 0)
			fprintf(stderr, "  %s\n", line);
	}
}

void mismatch(struct run *run, const struct file *file, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	if (!run->is_verbose)
		print_notes(run, file);
	fprintf(stderr, "exercise_folder: seed %" PRIu64 ", step %lu (%s)", run->seed, run->step,
		run->operation);
	if (file) {
		fprintf(stderr, ", file #%u", file->id);
		for (unsigned int i = 0; i < N_NAMES; i++) {
			if (run->names[i] == file) {
				CLEANUP_FREE char *path = path_of("", i);

				fprintf(stderr, " %s", path + 1);
			}
		}
		fprintf(stderr, " of %" PRIu64 " bytes", file->model->size_bytes);
	}
	fprintf(stderr, ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

char *path_of(const char *base, unsigned int name)
{
	char *path;

	/* Some in a folder of their own, so that they are moved from one to the other. */
	if (asprintf(&path, name >= N_NAMES * 2 / 3 ? "%s/sub/f%u" : "%s/f%u", base, name) < 0)
		exit(99);
	return path;
}

void run_command(struct run *run, const char *command)
{
	int status;

	fflush(stdout);
	status = system(command);
	if (status != 0)
		mismatch(run, NULL, "'%s' left with status %d", command, WEXITSTATUS(status));
}

bool folder_is_visible(const struct run *run)
{
	return strcmp(run->folder, run->mountpoint) != 0;
}

struct stat stat_in_folder(struct run *run, unsigned int name)
{
	CLEANUP_FREE char *path = path_of(run->folder, name);
	struct stat st;

	if (lstat(path, &st) < 0)
		mismatch(run, run->names[name], "%s: %s", path, strerror(errno));
	return st;
}

/* ---- facts ---- */

const char *facts_text(uint8_t facts, char text[96])
{
	static const char *const words[] = {"written",        "zeroed",  "read-by-writer",
					    "read-by-reader", "punched", "forgotten"};

	snprintf(text, 96, "%u", facts);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (facts & 1 << i) {
			strcat(text, text[strlen(text) - 1] >= 'a' ? "+" : " ");
			strcat(text, words[i]);
		}
	}
	return text;
}

static void check_facts(struct run *run, const struct file *file, const struct model_block *block,
			uint8_t facts)
{
	char expected[96], found[96], more[96];

	run->n_compared++;
	if (model_allows(block, facts))
		return;
	mismatch(run, file,
		 "block %" PRIu64 ": the record says %s, expected %s (more that is allowed: %s)",
		 block->number, facts_text(facts, found), facts_text(block->facts, expected),
		 facts_text(block->may_have, more));
}

void settle(struct run *run, struct file *file)
{
	struct model *model = file->model;
	CLEANUP_CLOSE int fd = -1;

	if (model->n_loose == 0)
		return;
	if (run->has_records && file->record && file->n_links)
		fd = open(file->record, O_RDONLY | O_CLOEXEC);
	if (run->has_records && fd < 0) {
		if (file->n_links)
			mismatch(run, file, "%s: %s", file->record ? file->record : "no record",
				 strerror(errno));
		file->has_no_facts = true;
	}
	for (size_t i = 0; i < model->n_blocks; i++) {
		const struct model_block block = model->blocks[i];
		uint8_t facts = block.facts;

		if (!block.may_have && !block.may_lack && !block.one_of)
			continue;
		if (fd >= 0) {
			facts = 0;
			if (pread(fd, &facts, 1, (off_t)(RECORD_HEADER_LEN + block.number)) < 0)
				mismatch(run, file, "%s: %s", file->record, strerror(errno));
			check_facts(run, file, &block, facts);
			if ((block.may_have & FACT_READ_BY_WRITER) && !(facts & FACTS_MAPPED))
				file->writer_left_msec = 0;
		}
		model_settle(model, block.number, facts);
	}
}

char *record_in_folder(struct run *run, const struct file *file)
{
	char *path;

	if (!file->record)
		return NULL;
	if (asprintf(&path, "%s/%s", run->records, strrchr(file->record, '/') + 1) < 0)
		exit(99);
	return path;
}

uint8_t *read_facts(struct run *run, const struct file *file, const char *path, size_t *n_facts)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *facts;
	struct stat st = {0};

	if (fd >= 0 && fstat(fd, &st) < 0)
		mismatch(run, file, "%s: %s", path, strerror(errno));
	*n_facts = st.st_size > RECORD_HEADER_LEN ? (size_t)st.st_size - RECORD_HEADER_LEN : 0;
	facts = calloc(*n_facts + 1, 1);
	if (!facts)
		exit(99);
	for (size_t at = 0; at < *n_facts;) {
		ssize_t n = pread(fd, facts + at, *n_facts - at, (off_t)(RECORD_HEADER_LEN + at));

		if (n <= 0)
			mismatch(run, file, "%s: %s", path, n < 0 ? strerror(errno) : "cut");
		at += (size_t)n;
	}
	return facts;
}

/* ---- the header of a record ---- */

static bool same_time(const uint8_t *at, struct timespec time)
{
	return load_le64(at) == (uint64_t)time.tv_sec &&
	       load_le64(at + 8) == (uint64_t)time.tv_nsec;
}

/* Whether the record's name is DEVICE-INODE-SECONDS.NANOSECONDS.trace of the header. */
static bool is_named(const char *path, const uint8_t *header)
{
	const char *name = strrchr(path, '/') + 1;
	unsigned long long device, inode, sec, nsec;
	int len = 0;

	return sscanf(name, "%llx-%llx-%llu.%llu.trace%n", &device, &inode, &sec, &nsec, &len) ==
		       4 &&
	       (size_t)len == strlen(name) && device == load_le64(header + 32) &&
	       inode == load_le64(header + 40) && sec == load_le64(header + 48) &&
	       nsec == load_le64(header + 56);
}

static struct timespec birth_of(struct run *run, const struct file *file, const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &stx) < 0)
		mismatch(run, file, "statx of %s: %s", path, strerror(errno));
	if (!(stx.stx_mask & STATX_BTIME))
		return (struct timespec){0};
	return (struct timespec){.tv_sec = stx.stx_btime.tv_sec, .tv_nsec = stx.stx_btime.tv_nsec};
}

/* @data: the file in FOLDER; NULL: it cannot be seen now. */
static void check_header(struct run *run, const struct file *file, const char *path,
			 const char *data, bool is_closed)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t h[RECORD_HEADER_LEN];
	struct stat st;

	if (fd < 0 || pread(fd, h, sizeof(h), 0) != sizeof(h))
		mismatch(run, file, "record %s: %s", path, fd < 0 ? strerror(errno) : "cut");
	if (memcmp(h, "BMAPTRCE", 8) != 0 || load_le32(h + 8) != 1 || load_le32(h + 12) != 4096 ||
	    load_le32(h + 16) != 4096)
		mismatch(run, file, "record %s: not the magic, version 1 and two times 4096", path);
	for (size_t i = RECORD_FIELDS_LEN; i < sizeof(h); i++) {
		if (h[i])
			mismatch(run, file, "record %s: byte %zu of the header is not 0", path, i);
	}
	if (load_le32(h + 20) & ~RECORD_IN_USE || (is_closed && load_le32(h + 20)))
		mismatch(run, file, "record %s: flags %u", path, load_le32(h + 20));
	if (!is_named(path, h))
		mismatch(run, file, "record %s: its name is not what its header says", path);
	if (!data)
		return;
	if (stat(data, &st) < 0)
		mismatch(run, file, "%s: %s", data, strerror(errno));
	if (load_le64(h + 32) != st.st_dev || load_le64(h + 40) != st.st_ino ||
	    !same_time(h + 48, birth_of(run, file, data)))
		mismatch(run, file,
			 "record %s: of device %" PRIx64 ", inode %" PRIu64
			 ", not %jx, %ju, or born at another time",
			 path, load_le64(h + 32), load_le64(h + 40), (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino);
	if (!is_closed)
		return;
	if (load_le64(h + 24) != (uint64_t)st.st_size || !same_time(h + 64, st.st_mtim) ||
	    !same_time(h + 80, st.st_ctim))
		mismatch(run, file,
			 "record %s: closed with size %" PRIu64 ", mtime %" PRIu64 ".%" PRIu64
			 ", ctime %" PRIu64 ".%" PRIu64 ", but the file has %jd, %jd.%ld, %jd.%ld",
			 path, load_le64(h + 24), load_le64(h + 64), load_le64(h + 72),
			 load_le64(h + 80), load_le64(h + 88), (intmax_t)st.st_size,
			 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* A record takes room for what was touched only: pages, and what the filesystem adds to them. */
static void check_room(struct run *run, const struct file *file, const char *path)
{
	uint64_t max_bytes = 128 << 10, last = UINT64_MAX;
	struct stat st;

	for (size_t i = 0; i < file->model->n_blocks; i++) {
		uint64_t page = file->model->blocks[i].number / 4096;

		if (page != last)
			max_bytes += 8192;
		last = page;
	}
	if (stat(path, &st) < 0)
		mismatch(run, file, "record %s: %s", path, strerror(errno));
	if ((uint64_t)st.st_blocks * 512 > max_bytes)
		mismatch(run, file, "record %s: takes %ju bytes, more than %" PRIu64, path,
			 (uintmax_t)st.st_blocks * 512, max_bytes);
}

static void check_record(struct run *run, const struct file *file, const char *path,
			 const char *data, bool is_closed)
{
	CLEANUP_FREE uint8_t *facts = NULL;
	size_t n_facts, i = 0;
	const struct model *model = file->model;

	/* What was never touched need not have a record; what has a size must not get one later. */
	if (access(path, F_OK) < 0 && model->size_bytes == 0 && model->n_blocks == 0)
		return;
	check_header(run, file, path, data, is_closed);
	check_room(run, file, path);
	facts = read_facts(run, file, path, &n_facts);
	for (uint64_t n = 0; n < n_facts; n++) {
		const struct model_block untouched = {.number = n};

		if (i < model->n_blocks && model->blocks[i].number == n)
			check_facts(run, file, &model->blocks[i++], facts[n]);
		else if (facts[n])
			check_facts(run, file, &untouched, facts[n]);
	}
	for (; i < model->n_blocks; i++)
		check_facts(run, file, &model->blocks[i], 0);
}

/* ---- data and holes ---- */

static void compare(struct run *run, const struct file *file, int fd, const char *path,
		    uint64_t offset_bytes, size_t len_bytes)
{
	CLEANUP_FREE uint8_t *expected = malloc(len_bytes + 1);
	CLEANUP_FREE uint8_t *found = malloc(len_bytes + 1);
	ssize_t n = pread(fd, found, len_bytes, (off_t)offset_bytes);

	if (n != (ssize_t)len_bytes)
		mismatch(run, file, "%s: %zd of %zu bytes at %" PRIu64 ": %s", path, n, len_bytes,
			 offset_bytes, n < 0 ? strerror(errno) : "short");
	model_bytes(file->model, offset_bytes, expected, len_bytes);
	for (size_t i = 0; i < len_bytes; i++) {
		if (expected[i] != found[i])
			mismatch(run, file,
				 "%s: block %" PRIu64 ", byte %" PRIu64 ": %#x, expected %#x", path,
				 (offset_bytes + i) / MODEL_BLOCK_BYTES, offset_bytes + i, found[i],
				 expected[i]);
	}
	run->n_compared += len_bytes / MODEL_BLOCK_BYTES;
}

/* All bytes of a file that is read without consequences. */
static void check_data(struct run *run, const struct file *file, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct model *model = file->model;
	struct stat st;
	off_t at = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		mismatch(run, file, "%s: %s", path, strerror(errno));
	if ((uint64_t)st.st_size != model->size_bytes)
		mismatch(run, file, "%s: size %jd", path, (intmax_t)st.st_size);
	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(fd, at, SEEK_HOLE);

		for (; at < end; at += MIN(end - at, CHUNK_LEN))
			compare(run, file, fd, path, (uint64_t)at,
				(size_t)MIN(end - at, CHUNK_LEN));
	}
	for (size_t i = 0; i < model->n_blocks; i++) {
		uint64_t start = model->blocks[i].number * MODEL_BLOCK_BYTES;

		if (model->blocks[i].data && start < model->size_bytes)
			compare(run, file, fd, path, start,
				(size_t)MIN(model->size_bytes - start, MODEL_BLOCK_BYTES));
	}
}

/* SEEK_DATA and SEEK_HOLE from one end to the other. */
static void check_holes(struct run *run, const struct file *file, int fd)
{
	int whence = SEEK_DATA;
	off_t at = 0;

	for (;;) {
		int64_t expected = model_seek(file->model, (uint64_t)at, whence);
		off_t found = lseek(fd, at, whence);

		if (found < 0)
			found = -errno;
		if (found != expected)
			mismatch(run, file,
				 "block %jd: %s at %jd gives %jd, expected %" PRId64
				 " (negative: errno)",
				 (intmax_t)(at / MODEL_BLOCK_BYTES),
				 whence == SEEK_DATA ? "SEEK_DATA" : "SEEK_HOLE", (intmax_t)at,
				 (intmax_t)found, expected);
		if (found < 0)
			return;
		at = found;
		whence = whence == SEEK_DATA ? SEEK_HOLE : SEEK_DATA;
	}
}

static void check_through_mount(struct run *run, unsigned int name)
{
	CLEANUP_FREE char *path = path_of(run->mountpoint, name);
	const struct file *file = run->names[name];
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		mismatch(run, file, "%s: %s", path, strerror(errno));
	if ((uint64_t)st.st_size != file->model->size_bytes)
		mismatch(run, file, "%s: size %jd", path, (intmax_t)st.st_size);
	if (st.st_nlink != file->n_links)
		mismatch(run, file, "%s: %ju links, expected %u", path, (uintmax_t)st.st_nlink,
			 file->n_links);
	if (!run->has_records)
		return;
	check_holes(run, file, fd);
	/* Not the kernel's copy of attributes: a read changes st_blocks here. */
	if ((uint64_t)st.st_blocks != model_n_mapped(file->model) * (MODEL_BLOCK_BYTES / 512))
		mismatch(run, file, "%s: st_blocks %jd, expected 8 times %" PRIu64, path,
			 (intmax_t)st.st_blocks, model_n_mapped(file->model));
	learn(run, name);
}

/* ---- folders ---- */

static size_t n_entries(struct run *run, const char *path, const char *suffix)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		mismatch(run, NULL, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    len >= strlen(suffix) &&
		    strcmp(entry->d_name + len - strlen(suffix), suffix) == 0)
			n++;
	}
	closedir(dir);
	return n;
}

/* Exactly the names of the model, and nothing that is hidden. */
static void check_entries(struct run *run)
{
	CLEANUP_FREE char *sub = NULL;
	size_t expected = 1, expected_in_sub = 0, n;

	for (unsigned int i = 0; i < N_NAMES; i++) {
		CLEANUP_FREE char *path = path_of("", i);

		if (run->names[i] && strncmp(path, "/sub/", 5) == 0)
			expected_in_sub++;
		else if (run->names[i])
			expected++;
	}
	if (asprintf(&sub, "%s/sub", run->mountpoint) < 0)
		exit(99);
	n = n_entries(run, run->mountpoint, "");
	if (n != expected)
		mismatch(run, NULL, "%s has %zu entries, expected %zu", run->mountpoint, n,
			 expected);
	n = n_entries(run, sub, "");
	if (n != expected_in_sub)
		mismatch(run, NULL, "%s has %zu entries, expected %zu", sub, n, expected_in_sub);
}

/* One record a file that has a name, and no others once the kernel has forgotten the others. */
static void check_n_records(struct run *run)
{
	int64_t until = now_msec() + PATIENCE_MSEC;
	size_t expected = 0, n;

	/* Those of files without a name may stay when the daemon is killed. */
	if (run->has_crashed)
		return;
	for (unsigned int i = 0; i < N_NAMES; i++) {
		bool is_first = run->names[i] && run->names[i]->record;

		for (unsigned int j = 0; is_first && j < i; j++)
			is_first = run->names[j] != run->names[i];
		expected += is_first;
	}
	while ((n = n_entries(run, run->records, ".trace")) > expected) {
		if (now_msec() > until)
			mismatch(run, NULL, "%s has %zu records, but there are %zu files",
				 run->records, n, expected);
		usleep(10000);
	}
}

static void settle_all(struct run *run)
{
	for (unsigned int i = 0; i < N_NAMES; i++) {
		if (run->names[i])
			settle(run, run->names[i]);
	}
	for (size_t i = 0; i < run->n_handles; i++)
		settle(run, run->handles[i].file);
}

void check_all(struct run *run)
{
	run->operation = "check";
	settle_all(run);
	check_entries(run);
	for (unsigned int i = 0; i < N_NAMES; i++) {
		CLEANUP_FREE char *data = path_of(run->folder, i);
		const struct file *file = run->names[i];
		bool can_see = folder_is_visible(run) || !run->has_records;

		if (!file)
			continue;
		if (can_see)
			check_data(run, file, data);
		check_through_mount(run, i);
		if (run->has_records && file->record)
			check_record(run, file, file->record, folder_is_visible(run) ? data : NULL,
				     false);
	}
	for (size_t i = 0; i < run->n_handles; i++) {
		if (run->has_records && !run->handles[i].file->has_no_facts)
			check_holes(run, run->handles[i].file, run->handles[i].fd);
	}
}

void check_closed(struct run *run)
{
	run->operation = "check after unmounting";
	for (unsigned int i = 0; i < N_NAMES; i++) {
		CLEANUP_FREE char *data = path_of(run->folder, i);
		CLEANUP_FREE char *record = NULL;
		const struct file *file = run->names[i];

		if (!file)
			continue;
		check_data(run, file, data);
		if (!run->has_records || !file->record)
			continue;
		record = record_in_folder(run, file);
		check_record(run, file, record, data, true);
	}
	if (run->has_records)
		check_n_records(run);
}
