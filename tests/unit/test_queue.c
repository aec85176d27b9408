/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/queue.h"
#include "unit.h"

#define N_THREADS 4
#define N_ITEMS   5000

START_TEST(items_leave_in_their_order)
{
	struct queue *queue = queue_new(3, sizeof(int));
	int item;

	/* Around the end of the ring more than once. */
	for (int i = 0; i < 20; i += 2) {
		ck_assert(queue_push(queue, &(int){i}));
		ck_assert(queue_push(queue, &(int){i + 1}));
		ck_assert(queue_pop(queue, &item));
		ck_assert_int_eq(item, i);
		ck_assert(queue_pop(queue, &item));
		ck_assert_int_eq(item, i + 1);
	}
	queue_free(queue);
	queue_free(NULL);
}
END_TEST

START_TEST(a_closed_queue_gives_what_is_inside)
{
	struct queue *queue = queue_new(2, sizeof(int));
	int item = 0;

	ck_assert(queue_push(queue, &(int){7}));
	queue_close(queue);
	ck_assert(!queue_push(queue, &(int){8}));
	ck_assert(queue_pop(queue, &item));
	ck_assert_int_eq(item, 7);
	ck_assert(!queue_pop(queue, &item));
	ck_assert_int_eq(item, 7);
	queue_free(queue);
}
END_TEST

struct shared {
	struct queue *queue;
	_Atomic long sum, n;
};

static void *push_many(void *opaque)
{
	struct shared *shared = opaque;

	for (long i = 1; i <= N_ITEMS; i++)
		ck_assert(queue_push(shared->queue, &i));
	return NULL;
}

static void *pop_all(void *opaque)
{
	struct shared *shared = opaque;
	long item;

	while (queue_pop(shared->queue, &item)) {
		shared->sum += item;
		shared->n++;
	}
	return NULL;
}

START_TEST(many_threads_lose_nothing)
{
	struct shared shared = {.queue = queue_new(2, sizeof(long))};
	pthread_t pushers[N_THREADS], poppers[N_THREADS];

	for (int i = 0; i < N_THREADS; i++) {
		pthread_create(&pushers[i], NULL, push_many, &shared);
		pthread_create(&poppers[i], NULL, pop_all, &shared);
	}
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(pushers[i], NULL);
	queue_close(shared.queue);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(poppers[i], NULL);
	ck_assert_int_eq(shared.n, N_THREADS * N_ITEMS);
	ck_assert_int_eq(shared.sum, (long)N_THREADS * N_ITEMS * (N_ITEMS + 1) / 2);
	queue_free(shared.queue);
}
END_TEST

static void *close_soon(void *opaque)
{
	usleep(20000);
	queue_close(opaque);
	return NULL;
}

START_TEST(closing_wakes_those_who_wait)
{
	struct queue *queue = queue_new(1, sizeof(int));
	pthread_t closer;
	int item;

	pthread_create(&closer, NULL, close_soon, queue);
	ck_assert(!queue_pop(queue, &item));
	pthread_join(closer, NULL);
	queue_free(queue);

	queue = queue_new(1, sizeof(int));
	ck_assert(queue_push(queue, &(int){1}));
	pthread_create(&closer, NULL, close_soon, queue);
	ck_assert(!queue_push(queue, &(int){2}));
	pthread_join(closer, NULL);
	ck_assert(queue_pop(queue, &item));
	queue_free(queue);
}
END_TEST

UNIT_MAIN("queue", items_leave_in_their_order, a_closed_queue_gives_what_is_inside,
	  many_threads_lose_nothing, closing_wakes_those_who_wait)
