/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "unit.h"
#include "view/range_ledger.h"

#define BLOCK 4096
#define SIZE  (40 * BLOCK + 500) /* the last block is not whole */

/* Ranges 1 and 2 touch each other; the last one ends with the image. */
static const struct bmap_range ranges[] = {{0, 2}, {4, 3}, {7, 1}, {10, 20}, {38, 3}};
#define N_RANGES ARRAY_SIZE(ranges)

static uint64_t first_of(size_t i)
{
	return ranges[i].first_block * BLOCK;
}

static uint64_t end_of(size_t i)
{
	return MIN((ranges[i].first_block + ranges[i].n_blocks) * BLOCK, (uint64_t)SIZE);
}

static struct bytes image; /* of a test */
static struct bmap *map;

static struct range_ledger *make_ledger(enum bmap_verify verify, uint64_t window_bytes)
{
	struct range_ledger *ledger = NULL;
	struct bmap_error err = {0};

	image = bytes_random(SIZE, 1);
	map = map_of(&image, SIZE, BLOCK, ranges, N_RANGES);
	OK(range_ledger_new(&ledger, map, verify, window_bytes, "disk.img", &err));
	return ledger;
}

static void free_ledger(struct range_ledger *ledger)
{
	range_ledger_free(ledger);
	bmap_free(map);
}

static void feed(struct range_ledger *ledger, uint64_t offset, uint64_t end)
{
	range_ledger_feed(ledger, image.data + offset, end - offset, offset, false);
}

static void check_due(struct range_ledger *ledger, uint64_t offset, uint64_t len, int index)
{
	struct ledger_range range = {99, 99, 99};
	bool is_due = range_ledger_next_due(ledger, offset, len, &range);

	ck_assert_msg(is_due == (index >= 0), "%llu bytes at %llu", (unsigned long long)len,
		      (unsigned long long)offset);
	if (index < 0)
		return;
	ck_assert_uint_eq(range.index, (size_t)index);
	ck_assert_uint_eq(range.first_bytes, first_of((size_t)index));
	ck_assert_uint_eq(range.end_bytes, end_of((size_t)index));
}

/* Where the next byte of a range in [offset, offset + len) is wanted; 0: nowhere. */
static uint64_t wanted(struct range_ledger *ledger, uint64_t offset, uint64_t len)
{
	struct ledger_range range;
	uint64_t next = 0;

	if (!range_ledger_wants(ledger, offset, len, &range, &next))
		return 0;
	ck_assert_uint_eq(range.first_bytes, first_of(range.index));
	ck_assert_uint_eq(range.end_bytes, end_of(range.index));
	ck_assert(next > range.first_bytes && next < range.end_bytes);
	return next;
}

/* Verifies a range as somebody who took it over. */
static int verify(struct range_ledger *ledger, size_t i, struct bmap_error *err)
{
	int r = range_ledger_begin(ledger, i, err);

	if (r <= 0)
		return r;
	for (uint64_t at = first_of(i); at < end_of(i); at += 1000)
		range_ledger_feed_range(ledger, i, image.data + at, MIN(1000, end_of(i) - at), at);
	range_ledger_end(ledger, i);
	return range_ledger_check(ledger, first_of(i), 1, err);
}

START_TEST(small_ranges_are_due)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_WINDOW, 3 * BLOCK);
	struct bmap_error err = {0};

	check_due(ledger, 0, SIZE, 0);
	check_due(ledger, 2 * BLOCK - 1, 1, 0);
	check_due(ledger, 2 * BLOCK, 2 * BLOCK, -1);
	check_due(ledger, 2 * BLOCK, 2 * BLOCK + 1, 1);
	check_due(ledger, 7 * BLOCK - 1, 2, 1);
	check_due(ledger, 7 * BLOCK, 1, 2);
	check_due(ledger, 8 * BLOCK, 30 * BLOCK, -1); /* 20 blocks are more than the window */
	check_due(ledger, 8 * BLOCK, SIZE - 8 * BLOCK, 4);
	check_due(ledger, SIZE - 1, 1, 4);
	check_due(ledger, 0, 0, -1);
	OK(verify(ledger, 0, &err));
	check_due(ledger, 0, SIZE, 1);
	OK(verify(ledger, 2, &err));
	check_due(ledger, 7 * BLOCK, BLOCK, -1);
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 2);
	free_ledger(ledger);
}
END_TEST

START_TEST(strictly_all_are_due)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_STRICT, 1);
	struct bmap_error err = {0};

	for (size_t i = 0; i < N_RANGES; i++) {
		check_due(ledger, 0, SIZE, (int)i);
		ck_assert_int_eq(range_ledger_begin(ledger, i, &err), 1);
		range_ledger_feed_range(ledger, i, image.data + first_of(i),
					end_of(i) - first_of(i), first_of(i));
		range_ledger_end(ledger, i);
		ck_assert_int_eq(range_ledger_begin(ledger, i, &err), 0);
	}
	check_due(ledger, 0, SIZE, -1);
	ck_assert_uint_eq(range_ledger_n_verified(ledger), N_RANGES);
	free_ledger(ledger);
}
END_TEST

START_TEST(ranges_without_checksums_are_left_alone)
{
	struct range_ledger *ledger = NULL;
	struct bmap_error err = {0};

	image = bytes_random(SIZE, 1);
	map = map_of(NULL, SIZE, BLOCK, ranges, N_RANGES);
	OK(range_ledger_new(&ledger, map, BMAP_VERIFY_WINDOW, 100 * BLOCK, "disk.img", &err));
	check_due(ledger, 0, SIZE, -1);
	feed(ledger, 0, SIZE);
	OK(range_ledger_check(ledger, 0, SIZE, &err));
	ck_assert_uint_eq(wanted(ledger, 0, SIZE), 0);
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 0);
	free_ledger(ledger);
}
END_TEST

START_TEST(what_passes_by_in_order_counts)
{
	static const size_t steps[] = {1000, BLOCK, 5 * BLOCK, SIZE};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct range_ledger *ledger = make_ledger(BMAP_VERIFY_STRICT, 0);
		struct bmap_error err = {0};

		for (uint64_t at = 0; at < SIZE; at += steps[i]) {
			feed(ledger, at, MIN(at + steps[i], (uint64_t)SIZE));
			feed(ledger, at, at);
		}
		ck_assert_uint_eq(range_ledger_n_verified(ledger), N_RANGES);
		check_due(ledger, 0, SIZE, -1);
		ck_assert_uint_eq(wanted(ledger, 0, SIZE), 0);
		for (size_t j = 0; j < N_RANGES; j++)
			ck_assert_int_eq(range_ledger_begin(ledger, j, &err), 0);
		OK(range_ledger_check(ledger, 0, SIZE, &err));
		free_ledger(ledger);
	}
}
END_TEST

START_TEST(what_passes_by_out_of_order_does_not)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_WINDOW, BLOCK);
	uint64_t at = first_of(3); /* blocks 10 to 29 */

	feed(ledger, at + 10 * BLOCK, end_of(3));
	ck_assert_uint_eq(wanted(ledger, 0, SIZE), 0);
	feed(ledger, at - BLOCK, at + 100); /* from the hole on */
	ck_assert_uint_eq(wanted(ledger, 0, SIZE), at + 100);
	ck_assert_uint_eq(wanted(ledger, at, 1), at + 100);
	ck_assert_uint_eq(wanted(ledger, end_of(3) - 1, 10), at + 100);
	ck_assert_uint_eq(wanted(ledger, end_of(3), BLOCK), 0);
	ck_assert_uint_eq(wanted(ledger, 0, at), 0);
	feed(ledger, at + 200, at + 300); /* behind a gap */
	ck_assert_uint_eq(wanted(ledger, at, 1), at + 100);
	feed(ledger, at + 100, at + 10 * BLOCK);
	ck_assert_uint_eq(wanted(ledger, at, 1), at + 10 * BLOCK);
	feed(ledger, at, at + 5 * BLOCK); /* once more */
	ck_assert_uint_eq(wanted(ledger, at, 1), at + 10 * BLOCK);
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 0);
	feed(ledger, at + 10 * BLOCK, end_of(3) + BLOCK);
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 1);
	ck_assert_uint_eq(wanted(ledger, at, 1), 0);
	free_ledger(ledger);
}
END_TEST

START_TEST(stretches_may_overlap)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_WINDOW, BLOCK);
	uint64_t at = first_of(3);
	struct bmap_error err = {0};

	feed(ledger, at, at + 3000);
	feed(ledger, at + 1000, at + 9000);
	feed(ledger, at, end_of(3));
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 1);
	OK(range_ledger_check(ledger, 0, SIZE, &err));
	free_ledger(ledger);
}
END_TEST

START_TEST(a_wrong_range_is_never_right_again)
{
	for (size_t passing = 0; passing < 2; passing++) {
		struct range_ledger *ledger = make_ledger(BMAP_VERIFY_WINDOW, 100 * BLOCK);
		struct bmap_error err = {0};
		uint64_t at = first_of(1), end = end_of(1);

		image.data[end - 1] ^= 1;
		if (passing)
			feed(ledger, at, end);
		else
			FAILS(verify(ledger, 1, &err), EBADMSG, "disk.img");
		image.data[end - 1] ^= 1;
		FAILS(range_ledger_check(ledger, 0, SIZE, &err), EBADMSG,
		      "checksum mismatch for blocks range 4-6");
		FAILS(range_ledger_check(ledger, end - 1, 1, &err), EBADMSG, "disk.img");
		FAILS(range_ledger_check(ledger, 0, at + 1, &err), EBADMSG, "4-6");
		OK(range_ledger_check(ledger, 0, at, &err));
		OK(range_ledger_check(ledger, end, SIZE - end, &err));
		OK(range_ledger_check(ledger, at, 0, &err));
		feed(ledger, 0, SIZE);
		FAILS(range_ledger_begin(ledger, 1, &err), EBADMSG, "disk.img");
		FAILS(range_ledger_check(ledger, at, 1, &err), EBADMSG, "4-6");
		ck_assert_uint_eq(range_ledger_n_verified(ledger), N_RANGES - 1);
		free_ledger(ledger);
	}
}
END_TEST

START_TEST(what_was_not_finished_begins_anew)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_WINDOW, 100 * BLOCK);
	struct bmap_error err = {0};
	uint64_t at = first_of(3);

	/* reading failed in the middle */
	ck_assert_int_eq(range_ledger_begin(ledger, 3, &err), 1);
	range_ledger_feed_range(ledger, 3, image.data + at, 5000, at);
	range_ledger_end(ledger, 3);
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 0);
	OK(range_ledger_check(ledger, 0, SIZE, &err));
	check_due(ledger, at, 1, 3);
	/* and not a byte came */
	ck_assert_int_eq(range_ledger_begin(ledger, 3, &err), 1);
	range_ledger_end(ledger, 3);
	check_due(ledger, at, 1, 3);
	OK(verify(ledger, 3, &err));
	ck_assert_uint_eq(range_ledger_n_verified(ledger), 1);
	free_ledger(ledger);
}
END_TEST

START_TEST(passing_by_does_not_disturb_who_verifies)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_WINDOW, 100 * BLOCK);
	struct bmap_error err = {0};
	uint64_t at = first_of(3);

	feed(ledger, at, at + 7000); /* some of it came before */
	ck_assert_int_eq(range_ledger_begin(ledger, 3, &err), 1);
	for (; at < end_of(3); at += BLOCK) {
		range_ledger_feed_range(ledger, 3, image.data + at, BLOCK, at);
		feed(ledger, at, at + BLOCK);
		feed(ledger, 0, SIZE);
	}
	range_ledger_end(ledger, 3);
	OK(range_ledger_check(ledger, 0, SIZE, &err));
	ck_assert_uint_eq(range_ledger_n_verified(ledger), N_RANGES);
	free_ledger(ledger);
}
END_TEST

/* ---- threads ---- */

struct waiter {
	struct range_ledger *ledger;
	pthread_t thread;
	atomic_bool is_done;
	int r;
	struct bmap_error err;
};

static void *begin(void *opaque)
{
	struct waiter *waiter = opaque;

	waiter->r = range_ledger_begin(waiter->ledger, 1, &waiter->err);
	if (waiter->r == 1)
		range_ledger_end(waiter->ledger, 1);
	waiter->is_done = true;
	return NULL;
}

static void start(struct waiter *waiters, struct range_ledger *ledger)
{
	for (size_t i = 0; i < 4; i++) {
		waiters[i] = (struct waiter){.ledger = ledger};
		ck_assert_int_eq(pthread_create(&waiters[i].thread, NULL, begin, &waiters[i]), 0);
	}
	usleep(10000);
	for (size_t i = 0; i < 4; i++)
		ck_assert(!waiters[i].is_done);
}

static void check_waiters(struct waiter *waiters, int r)
{
	for (size_t i = 0; i < 4; i++) {
		pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].r, r);
	}
}

START_TEST(who_comes_second_waits)
{
	/* it was right, wrong, or not finished */
	static const int results[] = {0, -EBADMSG, 1};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct range_ledger *ledger = make_ledger(BMAP_VERIFY_STRICT, 0);
		size_t len = end_of(1) - first_of(1) - (i == 2);
		struct bmap_error err = {0};
		struct waiter waiters[4];

		ck_assert_int_eq(range_ledger_begin(ledger, 1, &err), 1);
		start(waiters, ledger);
		OK(verify(ledger, 2, &err)); /* others go on */
		image.data[first_of(1)] ^= i == 1;
		range_ledger_feed_range(ledger, 1, image.data + first_of(1), len, first_of(1));
		range_ledger_end(ledger, 1);
		check_waiters(waiters, results[i]);
		free_ledger(ledger);
	}
}
END_TEST

START_TEST(cancelling_ends_waiting)
{
	struct range_ledger *ledger = make_ledger(BMAP_VERIFY_STRICT, 0);
	struct bmap_error err = {0};
	struct waiter waiters[4];

	ck_assert_int_eq(range_ledger_begin(ledger, 1, &err), 1);
	start(waiters, ledger);
	range_ledger_cancel(ledger);
	check_waiters(waiters, -ECANCELED);
	FAILS(range_ledger_begin(ledger, 1, &err), ECANCELED, "");
	range_ledger_end(ledger, 1);
	free_ledger(ledger);
}
END_TEST

struct worker {
	struct range_ledger *ledger;
	pthread_t thread;
	uint32_t seed;
	atomic_bool *failed;
};

static void *work(void *opaque)
{
	struct worker *worker = opaque;

	for (size_t i = 0; i < 100; i++) {
		struct bmap_error err = {0};
		uint64_t at, len;
		int r;

		worker->seed = worker->seed * 1103515245 + 12345;
		at = (worker->seed >> 8) % SIZE;
		len = MIN((worker->seed >> 4) % 50000, SIZE - at);
		range_ledger_feed(worker->ledger, image.data + at, len, at, i % 2 == 0);
		r = verify(worker->ledger, i % N_RANGES, &err);
		if (r != (i % N_RANGES == 1 ? -EBADMSG : 0))
			*worker->failed = true;
	}
	return NULL;
}

START_TEST(six_threads_verify_and_pass_by)
{
	for (size_t round = 0; round < 10; round++) {
		struct range_ledger *ledger = make_ledger(BMAP_VERIFY_STRICT, 0);
		struct bmap_error err = {0};
		struct worker workers[6];
		atomic_bool failed = false;

		image.data[first_of(1) + 5] ^= 1;
		for (size_t i = 0; i < 6; i++) {
			workers[i] = (struct worker){.ledger = ledger,
						     .seed = (uint32_t)(round * 7 + i),
						     .failed = &failed};
			ck_assert_int_eq(
				pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
		}
		for (size_t i = 0; i < 6; i++)
			pthread_join(workers[i].thread, NULL);
		ck_assert(!failed);
		ck_assert_uint_eq(range_ledger_n_verified(ledger), N_RANGES - 1);
		FAILS(range_ledger_check(ledger, 0, SIZE, &err), EBADMSG, "4-6");
		free_ledger(ledger);
	}
}
END_TEST

UNIT_MAIN("range_ledger", small_ranges_are_due, strictly_all_are_due,
	  ranges_without_checksums_are_left_alone, what_passes_by_in_order_counts,
	  what_passes_by_out_of_order_does_not, stretches_may_overlap,
	  a_wrong_range_is_never_right_again, what_was_not_finished_begins_anew,
	  passing_by_does_not_disturb_who_verifies, who_comes_second_waits, cancelling_ends_waiting,
	  six_threads_verify_and_pass_by)
