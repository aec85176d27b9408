/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/source_pool.h"
#include "unit.h"

#define LEN 300000

static struct bytes bytes; /* of a test */

static struct source *open_random(const char *path)
{
	const struct source_options options = {.is_random = true};
	struct bmap_error err = {0};
	struct source *source = NULL;

	OK(source_open(&source, path, &options, &err));
	return source;
}

static struct source *open_file(void)
{
	bytes = bytes_random(LEN, 1);
	write_file("f", bytes);
	return open_random("f");
}

static struct source *take(struct source_pool *pool, uint64_t offset)
{
	struct bmap_error err = {0};
	struct source *reader = NULL;

	OK(source_pool_take(pool, offset, &reader, &err));
	ck_assert_ptr_nonnull(reader);
	return reader;
}

static void read_of(struct source *reader, uint64_t offset, size_t len)
{
	uint8_t *buf = unit_alloc(len);
	struct bmap_error err = {0};

	ck_assert_int_eq(source_pread(reader, buf, len, offset, &err), (ssize_t)len);
	ck_assert_mem_eq(buf, bytes.data + offset, len);
}

START_TEST(who_can_read_on_is_preferred)
{
	for (size_t is_reader = 0; is_reader < 2; is_reader++) {
		struct source *source = open_file(), *readers[5];
		struct source_pool *pool = source_pool_new(source, is_reader);
		size_t n_source = 0;

		ck_assert_ptr_nonnull(pool);
		for (size_t i = 0; i < 5; i++) {
			readers[i] = take(pool, i * 1000);
			for (size_t j = 0; j < i; j++)
				ck_assert_ptr_ne(readers[i], readers[j]);
			n_source += readers[i] == source;
			read_of(readers[i], i * 1000, 100);
		}
		ck_assert_uint_le(n_source, is_reader);
		for (size_t i = 0; i < 5; i++)
			source_pool_put(pool, readers[i], i * 1000 + 100, 0);
		for (size_t round = 0; round < 3; round++) {
			for (size_t i = 5; i-- > 0;) {
				uint64_t at = i * 1000 + 100 + round * 200;

				ck_assert_ptr_eq(take(pool, at), readers[i]);
				read_of(readers[i], at, 200);
				source_pool_put(pool, readers[i], at + 200, 0);
			}
		}
		source_pool_free(pool);
		if (is_reader)
			read_of(source, 5, 100); /* it is free again */
		source_close(source);
	}
	source_pool_free(NULL);
}
END_TEST

START_TEST(who_is_done_is_used_again)
{
	struct source *source = open_file(), *first, *second;
	struct source_pool *pool = source_pool_new(source, false);

	first = take(pool, 0);
	read_of(first, 0, 100);
	source_pool_put(pool, first, 100, 0);
	for (size_t i = 1; i < 10; i++) { /* nothing is under way to it */
		second = take(pool, i * 20000);
		ck_assert_ptr_eq(second, first);
		read_of(second, i * 20000, 100);
		source_pool_put(pool, second, i * 20000 + 100, 0);
	}
	source_pool_free(pool);
	source_close(source);
}
END_TEST

START_TEST(who_goes_on_is_left_to_it)
{
	struct source *source = open_file(), *first, *second;
	struct source_pool *pool = source_pool_new(source, false);

	first = take(pool, 0);
	read_of(first, 0, 1000);
	source_pool_put(pool, first, 1000, 100000);
	second = take(pool, 200000);
	ck_assert_ptr_ne(second, first);
	read_of(second, 200000, 1000);
	ck_assert_ptr_eq(take(pool, 1000), first);
	source_pool_put(pool, second, 201000, 0);
	/* once it has come there, it is as any other */
	read_of(first, 1000, 99000);
	source_pool_put(pool, first, 100000, 100000);
	second = take(pool, 250000);
	first = take(pool, 10);
	ck_assert_ptr_ne(second, first);
	read_of(first, 10, 10);
	read_of(second, 250000, 10);
	source_pool_put(pool, first, 20, 0);
	source_pool_put(pool, second, 250010, 0);
	source_pool_free(pool);
	source_close(source);
}
END_TEST

START_TEST(a_slice_has_readers_too)
{
	struct source *source = NULL, *readers[2];
	struct bmap_error err = {0};
	struct source_pool *pool;
	uint8_t buf[10];

	OK(source_open_slice(&source, open_file(), 5000, 1000, &err));
	bytes = bytes_part(bytes, 5000, 1000);
	pool = source_pool_new(source, true);
	for (size_t i = 0; i < 2; i++) {
		readers[i] = take(pool, 100);
		read_of(readers[i], 100, 900);
		ck_assert_int_eq(source_pread(readers[i], buf, 10, 995, &err), 5);
	}
	for (size_t i = 0; i < 2; i++)
		source_pool_put(pool, readers[i], 1000, 0);
	source_pool_free(pool);
	source_close(source);
}
END_TEST

START_TEST(a_cancelled_source_cancels_its_readers)
{
	struct source *source = open_file(), *before, *after = NULL;
	struct source_pool *pool = source_pool_new(source, true);
	struct bmap_error err = {0};
	uint8_t buf[10];

	before = take(pool, 0);
	source_cancel(source);
	FAILS(source_pread(before, buf, 10, 0, &err), ECANCELED, "");
	if (source_pool_take(pool, 100, &after, &err) == 0) {
		FAILS(source_pread(after, buf, 10, 100, &err), ECANCELED, "");
		source_pool_put(pool, after, 100, 0);
	}
	source_pool_put(pool, before, 0, 0);
	source_pool_free(pool);
	source_close(source);
}
END_TEST

struct worker {
	struct source_pool *pool;
	pthread_t thread;
	uint32_t seed;
	atomic_bool *failed;
};

static void *work(void *opaque)
{
	struct worker *worker = opaque;

	for (size_t i = 0; i < 300 && !*worker->failed; i++) {
		struct bmap_error err = {0};
		struct source *reader = NULL;
		uint8_t buf[1000];
		uint64_t at;

		worker->seed = worker->seed * 1103515245 + 12345;
		at = (worker->seed >> 8) % (LEN - sizeof(buf));
		if (source_pool_take(worker->pool, at, &reader, &err) < 0) {
			*worker->failed = true;
			break;
		}
		if (source_pread(reader, buf, sizeof(buf), at, &err) != sizeof(buf) ||
		    memcmp(buf, bytes.data + at, sizeof(buf)) != 0)
			*worker->failed = true;
		source_pool_put(worker->pool, reader, at + sizeof(buf),
				i % 3 ? at + 3 * sizeof(buf) : 0);
	}
	return NULL;
}

START_TEST(eight_threads_share_a_pool)
{
	struct source *source = open_file();
	struct source_pool *pool = source_pool_new(source, true);
	atomic_bool failed = false;
	struct worker workers[8];

	for (size_t i = 0; i < 8; i++) {
		workers[i] = (struct worker){.pool = pool, .seed = (uint32_t)i, .failed = &failed};
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++)
		pthread_join(workers[i].thread, NULL);
	ck_assert(!failed);
	source_pool_free(pool);
	source_close(source);
}
END_TEST

UNIT_MAIN("source_pool", who_can_read_on_is_preferred, who_is_done_is_used_again,
	  who_goes_on_is_left_to_it, a_slice_has_readers_too,
	  a_cancelled_source_cancels_its_readers, eight_threads_share_a_pool)
