/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buffer_pool.h"
#include "unit.h"

#define LEN       8192
#define N_THREADS 4

START_TEST(buffers_are_aligned_and_come_again)
{
	struct buffer_pool *pool = buffer_pool_new(2, LEN);
	struct buffer *first = buffer_pool_get(pool), *second = buffer_pool_get(pool);
	uint8_t *data = buffer_data(first);

	ck_assert_uint_eq(buffer_pool_buffer_size(pool), LEN);
	ck_assert_ptr_ne(buffer_data(first), buffer_data(second));
	ck_assert_uint_eq((uintptr_t)data % 4096, 0);
	memset(data, 1, LEN);
	buffer_unref(first);
	first = buffer_pool_get(pool);
	ck_assert_ptr_eq(buffer_data(first), data);
	buffer_unref(first);
	buffer_unref(second);
	buffer_unref(NULL);
	buffer_pool_free(pool);
	buffer_pool_free(NULL);
}
END_TEST

static void *get_one(void *opaque)
{
	return buffer_pool_get(opaque);
}

START_TEST(a_buffer_returns_with_its_last_reference)
{
	struct buffer_pool *pool = buffer_pool_new(1, LEN);
	struct buffer *buffer = buffer_pool_get(pool);
	pthread_t getter;
	void *got = NULL;

	ck_assert_ptr_eq(buffer_ref(buffer), buffer);
	buffer_unref(buffer);
	pthread_create(&getter, NULL, get_one, pool);
	usleep(20000);
	buffer_data(buffer)[0] = 42; /* still ours */
	buffer_unref(buffer);
	pthread_join(getter, &got);
	ck_assert_ptr_eq(got, buffer);
	ck_assert_uint_eq(buffer_data(got)[0], 42);
	buffer_unref(got);
	buffer_pool_free(pool);
}
END_TEST

START_TEST(closing_wakes_those_who_wait)
{
	struct buffer_pool *pool = buffer_pool_new(1, LEN);
	struct buffer *buffer = buffer_pool_get(pool);
	struct bmap_error err = {0};
	pthread_t getter;
	void *got = pool;

	pthread_create(&getter, NULL, get_one, pool);
	usleep(20000);
	buffer_pool_close(pool);
	pthread_join(getter, &got);
	ck_assert_ptr_null(got);
	FAILS(buffer_pool_failure(pool, &err), ECANCELED, "cancelled");
	buffer_unref(buffer);
	ck_assert_ptr_null(buffer_pool_get(pool));
	buffer_pool_free(pool);
}
END_TEST

START_TEST(an_open_pool_failed_for_memory)
{
	struct buffer_pool *pool = buffer_pool_new(1, LEN);
	struct bmap_error err = {0};

	FAILS(buffer_pool_failure(pool, &err), ENOMEM, "out of memory");
	buffer_pool_free(pool);
}
END_TEST

struct shared {
	struct buffer_pool *pool;
	atomic_int n_out, max_out;
};

static void *get_and_return(void *opaque)
{
	struct shared *shared = opaque;

	for (int i = 0; i < 2000; i++) {
		struct buffer *buffer = buffer_pool_get(shared->pool);
		int n = ++shared->n_out, max = shared->max_out;

		while (n > max && !atomic_compare_exchange_weak(&shared->max_out, &max, n))
			;
		memset(buffer_data(buffer), i, 64);
		buffer_unref(buffer_ref(buffer));
		shared->n_out--;
		buffer_unref(buffer);
	}
	return NULL;
}

START_TEST(never_more_buffers_than_there_are)
{
	struct shared shared = {.pool = buffer_pool_new(2, LEN)};
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, get_and_return, &shared);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_le(shared.max_out, 2);
	ck_assert_int_ge(shared.max_out, 1);
	buffer_pool_free(shared.pool);
}
END_TEST

UNIT_MAIN("buffer_pool", buffers_are_aligned_and_come_again,
	  a_buffer_returns_with_its_last_reference, closing_wakes_those_who_wait,
	  an_open_pool_failed_for_memory, never_more_buffers_than_there_are)
