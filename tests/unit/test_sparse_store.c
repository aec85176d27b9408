/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sparse_store.h"
#include "unit.h"

#define BLOCK    4096
#define N_BLOCKS 101 /* the last one is not whole */
#define SIZE     (100 * BLOCK + 1000)
#define HEADER   4096

static const struct sparse_store_options options = {
	.size_bytes = SIZE,
	.block_size_bytes = BLOCK,
	.identity = "etag \"1\"",
};

static struct sparse_store *open_store(void)
{
	struct sparse_store *store = NULL;
	struct bmap_error err = {0};

	OK(sparse_store_open(&store, "store", "store.blocks", &options, &err));
	return store;
}

static int try_open(const struct sparse_store_options *other, struct bmap_error *err)
{
	struct sparse_store *store = NULL;
	int r = sparse_store_open(&store, "store", "store.blocks", other, err);

	ck_assert_int_eq(store != NULL, r == 0);
	sparse_store_close(store);
	return r;
}

static void write_blocks(struct sparse_store *store, struct bytes image, uint64_t first, uint64_t n)
{
	size_t at = first * BLOCK, end = MIN((first + n) * BLOCK, (uint64_t)SIZE);

	ck_assert_int_eq(sparse_store_pwrite(store, image.data + at, end - at, at), 0);
}

/* Which blocks count: "first-last first-last". */
static void check_blocks(struct sparse_store *store, const char *expected)
{
	char text[2000] = "";
	size_t len = 0;
	uint64_t n = 0, end;

	for (uint64_t block = 0;; block = end) {
		block = sparse_store_find(store, block, true);
		if (block == N_BLOCKS)
			break;
		end = sparse_store_find(store, block, false);
		ck_assert_uint_gt(end, block);
		n += end - block;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d-%d", len ? " " : "",
					(int)block, (int)end - 1);
	}
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(sparse_store_n_blocks(store), n);
}

static void check_bytes(struct sparse_store *store, struct bytes image, uint64_t first, uint64_t n)
{
	size_t at = first * BLOCK, end = MIN((first + n) * BLOCK, (uint64_t)SIZE);
	struct bytes found = bytes_zeros(end - at);

	ck_assert_int_eq(sparse_store_pread(store, found.data, found.len, at), 0);
	ASSERT_BYTES(found, bytes_part(image, at, end - at));
}

/* Changes the byte at @offset of the second file. */
static void damage(uint64_t offset)
{
	struct bytes bytes = read_file("store.blocks");

	ck_assert_uint_lt(offset, bytes.len);
	bytes.data[offset] ^= 0x55;
	write_file("store.blocks", bytes);
}

/* As if the machine had been started anew. */
static void forget_boot(void)
{
	struct bytes bytes = read_file("store.blocks"), id = {0};
	uint8_t text[36];
	uint8_t *found;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(read(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	id = (struct bytes){text, sizeof(text)};
	found = memmem(bytes.data, HEADER, id.data, id.len);
	ck_assert_msg(found != NULL, "the boot id is not in the file");
	found[0] = found[0] == 'a' ? 'b' : 'a';
	write_file("store.blocks", bytes);
}

START_TEST(a_block_counts_once_it_is_written)
{
	struct bytes image = bytes_random(SIZE, 1);
	struct sparse_store *store = open_store();
	struct stat st;

	check_blocks(store, "");
	write_blocks(store, image, 3, 1);
	check_blocks(store, "3-3");
	write_blocks(store, image, 8, 16);
	write_blocks(store, image, 0, 2);
	write_blocks(store, image, 100, 1); /* 1000 bytes are the whole of it */
	check_blocks(store, "0-1 3-3 8-23 100-100");
	write_blocks(store, image, 2, 7); /* over some that count */
	check_blocks(store, "0-23 100-100");
	check_bytes(store, image, 0, 24);
	check_bytes(store, image, 100, 1);
	ck_assert_int_eq(stat("store", &st), 0);
	ck_assert_int_eq(st.st_size, SIZE);
	ck_assert_int_lt(st.st_blocks, SIZE / 512 / 2);
	sparse_store_close(store);
	sparse_store_close(NULL);
}
END_TEST

START_TEST(parts_of_blocks_that_count_can_be_written)
{
	struct bytes image = bytes_random(SIZE, 2);
	struct sparse_store *store = open_store();

	write_blocks(store, image, 4, 3);
	for (size_t i = 0; i < 5000; i++)
		image.data[5 * BLOCK - 100 + i] ^= 0xff;
	ck_assert_int_eq(
		sparse_store_pwrite(store, image.data + 5 * BLOCK - 100, 5000, 5 * BLOCK - 100), 0);
	check_blocks(store, "4-6");
	check_bytes(store, image, 4, 3);
	sparse_store_close(store);
}
END_TEST

START_TEST(finding_begins_anywhere)
{
	struct bytes image = bytes_random(SIZE, 3);
	struct sparse_store *store = open_store();

	for (uint64_t i = 0; i < N_BLOCKS; i++) {
		if (i % 7 < 3 || (i > 40 && i < 70))
			write_blocks(store, image, i, 1);
	}
	for (uint64_t i = 0; i < N_BLOCKS; i++) {
		uint64_t data = i, hole = i;

		while (data < N_BLOCKS && !(data % 7 < 3 || (data > 40 && data < 70)))
			data++;
		while (hole < N_BLOCKS && (hole % 7 < 3 || (hole > 40 && hole < 70)))
			hole++;
		ck_assert_uint_eq(sparse_store_find(store, i, true), data);
		ck_assert_uint_eq(sparse_store_find(store, i, false), hole);
	}
	ck_assert_uint_eq(sparse_store_find(store, N_BLOCKS, true), N_BLOCKS);
	ck_assert_uint_eq(sparse_store_find(store, N_BLOCKS, false), N_BLOCKS);
	sparse_store_close(store);
}
END_TEST

START_TEST(what_was_written_is_there_when_it_is_opened_again)
{
	struct bytes image = bytes_random(SIZE, 4);
	struct sparse_store *store = open_store();

	write_blocks(store, image, 10, 20);
	sparse_store_close(store);
	store = open_store();
	check_blocks(store, "10-29");
	check_bytes(store, image, 10, 20);
	write_blocks(store, image, 50, 1);
	ck_assert_int_eq(sparse_store_sync(store), 0);
	ck_assert_int_eq(sparse_store_sync(store), 0);
	sparse_store_close(store);
	store = open_store();
	check_blocks(store, "10-29 50-50");
	check_bytes(store, image, 50, 1);
	sparse_store_close(store);
}
END_TEST

START_TEST(all_blocks_can_count)
{
	struct bytes image = bytes_random(SIZE, 5);
	struct sparse_store *store = open_store();

	write_blocks(store, image, 0, N_BLOCKS);
	check_blocks(store, "0-100");
	sparse_store_close(store);
	store = open_store();
	check_blocks(store, "0-100");
	check_bytes(store, image, 0, N_BLOCKS);
	sparse_store_close(store);
}
END_TEST

START_TEST(of_another_identity_or_size_it_is_another_store)
{
	struct sparse_store_options other = options;
	struct bytes image = bytes_random(SIZE, 6);
	struct sparse_store *store = open_store();
	struct bmap_error err = {0};

	write_blocks(store, image, 1, 1);
	sparse_store_close(store);
	other.identity = "etag \"2\"";
	FAILS(try_open(&other, &err), EBADMSG, "'store' is of another image");
	other.identity = "etag \"1\" and more";
	FAILS(try_open(&other, &err), EBADMSG, "'store' is of another image");
	other.identity = "";
	FAILS(try_open(&other, &err), EBADMSG, "'store' is of another image");
	other = options;
	other.size_bytes++;
	FAILS(try_open(&other, &err), EBADMSG, "'store' is of another image");
	other = options;
	other.block_size_bytes = 8192;
	FAILS(try_open(&other, &err), EBADMSG, "'store' is of another image");
	/* and it is left as it was */
	store = open_store();
	check_blocks(store, "1-1");
	check_bytes(store, image, 1, 1);
	sparse_store_close(store);
}
END_TEST

START_TEST(long_identities_differ_at_their_end)
{
	struct sparse_store_options one = options, other = options;
	char *a = unit_alloc(1024), *b = unit_alloc(1024);
	struct sparse_store *store = NULL;
	struct bmap_error err = {0};

	memset(a, 'x', 1023);
	memset(b, 'x', 1023);
	b[1022] = 'y';
	one.identity = a;
	other.identity = b;
	OK(sparse_store_open(&store, "store", "store.blocks", &one, &err));
	write_blocks(store, bytes_zeros(SIZE), 0, 1);
	sparse_store_close(store);
	OK(try_open(&one, &err));
	FAILS(try_open(&other, &err), EBADMSG, "'store' is of another image");
}
END_TEST

START_TEST(damaged_files_are_refused)
{
	struct sparse_store *store = open_store();
	struct bmap_error err = {0};
	struct bytes good, image = bytes_random(SIZE, 7);

	write_blocks(store, image, 0, 9);
	sparse_store_close(store);
	good = read_file("store.blocks");
	damage(0);
	FAILS(try_open(&options, &err), EPROTO,
	      "'store.blocks' does not say which blocks of 'store' count");
	/* Without the bits of what was synced it would only be known that nothing was. */
	for (size_t len = 0; len < HEADER + N_BLOCKS / 8; len += len < HEADER ? 512 : 1) {
		write_file("store.blocks", bytes_part(good, 0, len));
		FAILS(try_open(&options, &err), EPROTO, "'store.blocks' ");
	}
	write_file("store.blocks", good);
	write_file("store", bytes_part(image, 0, SIZE - 1));
	FAILS(try_open(&options, &err), EPROTO, "'store' was cut, or replaced");
	ck_assert_int_eq(truncate("store", SIZE + 1), 0);
	FAILS(try_open(&options, &err), EPROTO, "'store' was cut, or replaced");
	unlink("store");
	ck_assert_msg(try_open(&options, &err) == -EPROTO, "blocks count in a file that is new");
	err = (struct bmap_error){0};
	write_file("store", image);
	unlink("store.blocks");
	FAILS(try_open(&options, &err), EPROTO, "does not say which blocks");
	/* what somebody else put there stays */
	ASSERT_BYTES(read_file("store"), image);
}
END_TEST

START_TEST(bits_behind_the_last_block_are_no_blocks)
{
	struct sparse_store *store = open_store();
	struct bytes bytes;

	write_blocks(store, bytes_zeros(SIZE), 3, 1);
	sparse_store_close(store);
	bytes = read_file("store.blocks");
	bytes.data[HEADER + N_BLOCKS / 8] |= 0x80; /* of 101 blocks there are 5 bits in this byte */
	write_file("store.blocks", bytes);
	store = open_store();
	check_blocks(store, "3-3");
	sparse_store_close(store);
}
END_TEST

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

START_TEST(what_was_never_written_to_leaves_nothing)
{
	struct bytes image = bytes_random(SIZE, 3);
	struct sparse_store *store = open_store();
	struct bmap_error err = {0};

	ck_assert(is_there("store") && is_there("store.blocks"));
	sparse_store_close(store);
	ck_assert(!is_there("store") && !is_there("store.blocks"));
	/* neither when it was refused */
	FAILS(sparse_store_open(&store, "store", "no/such", &options, &err), ENOENT, "no/such");
	ck_assert_msg(!is_there("store"), "a file is left");
	/* what was there before stays, with blocks or without */
	store = open_store();
	write_blocks(store, image, 5, 1);
	sparse_store_close(store);
	for (size_t i = 0; i < 2; i++) {
		store = open_store();
		check_blocks(store, "5-5");
		sparse_store_close(store);
	}
	unlink("store");
	FAILS(try_open(&options, &err), EPROTO, "'store.blocks'");
	ck_assert(!is_there("store") && is_there("store.blocks"));
	unlink("store.blocks");
	/* an empty file of somebody else's */
	write_file("store", bytes_zeros(0));
	if (try_open(&options, &err) == 0)
		ck_assert(is_there("store"));
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	struct sparse_store *store = NULL;
	struct bmap_error err = {0};

	FAILS(sparse_store_open(&store, "no/such", "b", &options, &err), ENOENT,
	      "cannot open 'no/such': No such file");
	FAILS(sparse_store_open(&store, "s", "no/such", &options, &err), ENOENT,
	      "cannot open 'no/such': No such file");
	FAILS(sparse_store_open(&store, ".", "b", &options, &err), EISDIR, "cannot open '.'");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	FAILS(sparse_store_open(&store, "fifo", "b", &options, &err), EINVAL,
	      "'fifo' is not a regular file");
	ck_assert_int_eq(symlink("target", "link"), 0);
	FAILS(sparse_store_open(&store, "link", "b", &options, &err), ELOOP, "cannot open 'link'");
	FAILS(sparse_store_open(&store, "t", "link", &options, &err), ELOOP, "cannot open 'link'");
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(two_processes_do_not_share_it)
{
	struct sparse_store *store = open_store();
	struct bmap_error err = {0};
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct sparse_store *mine = NULL;
		int r = sparse_store_open(&mine, "store", "store.blocks", &options, &err);

		_exit(r == -EBUSY && strstr(err.message, "'store' is in use by another process")
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "it was opened twice");
	FAILS(try_open(&options, &err), EBUSY, "'store' is in use by another process");
	sparse_store_close(store);
	OK(try_open(&options, &err));
}
END_TEST

START_TEST(after_the_end_of_the_machine_only_what_was_synced_counts)
{
	struct bytes image = bytes_random(SIZE, 8);
	struct sparse_store *store;
	int status;
	pid_t child = fork();

	if (child == 0) { /* which does not come to closing it */
		store = open_store();
		write_blocks(store, image, 0, 10);
		if (sparse_store_sync(store) != 0)
			_exit(1);
		write_blocks(store, image, 20, 10);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	store = open_store(); /* the same boot */
	check_blocks(store, "0-9 20-29");
	check_bytes(store, image, 20, 10);
	write_blocks(store, image, 40, 1);
	sparse_store_close(store); /* syncs */
	forget_boot();
	store = open_store();
	check_blocks(store, "0-9 20-29 40-40");
	sparse_store_close(store);

	child = fork();
	if (child == 0) {
		store = open_store();
		write_blocks(store, image, 60, 2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	forget_boot();
	store = open_store();
	check_blocks(store, "0-9 20-29 40-40");
	/* and from now on this is what was written */
	write_blocks(store, image, 61, 1);
	sparse_store_close(store);
	store = open_store();
	check_blocks(store, "0-9 20-29 40-40 61-61");
	sparse_store_close(store);
}
END_TEST

/* Each block says which it is, so that one that counts and is not there is found. */
static void fill(uint8_t *block, uint64_t i, unsigned int round)
{
	for (size_t at = 0; at < BLOCK; at++)
		block[at] = (uint8_t)(i + at + round + 1);
}

static void write_until_killed(int ready)
{
	struct sparse_store *store = open_store();
	uint8_t block[BLOCK];

	for (unsigned int i = 0; i < 100; i++) {
		uint64_t at = i * 37 % 100;

		fill(block, at, 0);
		if (sparse_store_pwrite(store, block, BLOCK, at * BLOCK) < 0)
			_exit(1);
		if (i == 3 && write(ready, "", 1) != 1)
			_exit(1);
		if (i % 10 == 9 && sparse_store_sync(store) < 0)
			_exit(1);
	}
	pause();
}

START_TEST(nothing_counts_that_is_not_there_when_it_is_killed)
{
	for (unsigned int round = 0; round < 12; round++) {
		uint8_t block[BLOCK], expected[BLOCK];
		struct sparse_store *store;
		int ends[2], status;
		char byte;
		pid_t child;

		unlink("store");
		unlink("store.blocks");
		ck_assert_int_eq(pipe(ends), 0);
		child = fork();
		if (child == 0)
			write_until_killed(ends[1]);
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
		for (unsigned int i = 0; i < round * 20; i++)
			sched_yield();
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		close(ends[0]);
		close(ends[1]);
		store = open_store();
		ck_assert_uint_ge(sparse_store_n_blocks(store), 4);
		for (uint64_t i = 0; i < 100; i++) {
			if (sparse_store_find(store, i, true) != i)
				continue;
			fill(expected, i, 0);
			ck_assert_int_eq(sparse_store_pread(store, block, BLOCK, i * BLOCK), 0);
			ck_assert_mem_eq(block, expected, BLOCK);
		}
		sparse_store_close(store);
	}
}
END_TEST

/* ---- threads ---- */

struct job {
	struct sparse_store *store;
	unsigned int number;
};

static void *write_and_read(void *opaque)
{
	struct job *job = opaque;
	uint8_t block[BLOCK], found[BLOCK];

	for (uint64_t i = job->number; i < 100; i += 4) {
		fill(block, i, 7);
		if (sparse_store_pwrite(job->store, block, BLOCK, i * BLOCK) != 0 ||
		    sparse_store_find(job->store, i, true) != i ||
		    sparse_store_pread(job->store, found, BLOCK, i * BLOCK) != 0 ||
		    memcmp(block, found, BLOCK) != 0 ||
		    (i % 20 == 3 && sparse_store_sync(job->store) != 0))
			return job;
		(void)sparse_store_n_blocks(job->store);
	}
	return NULL;
}

START_TEST(several_threads_write)
{
	struct sparse_store *store = open_store();
	struct job jobs[4];
	pthread_t threads[4];

	for (unsigned int i = 0; i < 4; i++) {
		jobs[i] = (struct job){store, i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_and_read, &jobs[i]), 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
	check_blocks(store, "0-99");
	sparse_store_close(store);
	store = open_store();
	check_blocks(store, "0-99");
	sparse_store_close(store);
	forget_boot();
	store = open_store();
	check_blocks(store, "0-99");
	sparse_store_close(store);
}
END_TEST

UNIT_MAIN("sparse_store", a_block_counts_once_it_is_written,
	  parts_of_blocks_that_count_can_be_written, finding_begins_anywhere,
	  what_was_written_is_there_when_it_is_opened_again, all_blocks_can_count,
	  of_another_identity_or_size_it_is_another_store, long_identities_differ_at_their_end,
	  damaged_files_are_refused, bits_behind_the_last_block_are_no_blocks,
	  what_was_never_written_to_leaves_nothing, what_cannot_be_opened_says_why,
	  two_processes_do_not_share_it, after_the_end_of_the_machine_only_what_was_synced_counts,
	  nothing_counts_that_is_not_there_when_it_is_killed, several_threads_write)
