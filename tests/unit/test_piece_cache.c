/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/piece_cache.h"
#include "unit.h"

#define LEN 100 /* of a piece */

/* What the loader of a test knows. */
struct loads {
	atomic_size_t n;
	atomic_bool is_held; /* it waits meanwhile */
	atomic_bool fails;
	atomic_uint_least64_t read_on_to;
};

static int load(void *opaque, size_t piece, uint8_t *data, size_t len, uint64_t read_on_to,
		struct bmap_error *err)
{
	struct loads *loads = opaque;

	loads->n++;
	loads->read_on_to = read_on_to;
	while (loads->is_held)
		usleep(100);
	if (loads->fails)
		return bmap_error_set(err, EBADMSG, "piece %zu is bad", piece);
	memset(data, (int)piece + 1, len);
	return 0;
}

static bool is_of(const struct cached_piece *cached, size_t piece, size_t len)
{
	const uint8_t *data = cached_piece_data(cached);

	for (size_t i = 0; i < len; i++) {
		if (data[i] != (uint8_t)(piece + 1))
			return false;
	}
	return true;
}

static void check_get(struct piece_cache *cache, size_t piece, size_t len)
{
	struct cached_piece *cached = NULL;
	struct bmap_error err = {0};

	OK(piece_cache_get(cache, piece, len, &cached, &err));
	ck_assert(is_of(cached, piece, len));
	piece_cache_unpin(cache, cached);
}

static bool is_there(struct piece_cache *cache, size_t piece)
{
	struct cached_piece *cached = piece_cache_find(cache, piece);

	if (!cached)
		return false;
	ck_assert(is_of(cached, piece, LEN));
	piece_cache_unpin(cache, cached);
	return true;
}

/* A thread that wants one piece. */
struct wanter {
	struct piece_cache *cache;
	size_t piece;
	pthread_t thread;
	atomic_bool is_done;
	int r;
	struct bmap_error err;
};

static void *want(void *opaque)
{
	struct wanter *wanter = opaque;
	struct cached_piece *cached = NULL;

	wanter->r = piece_cache_get(wanter->cache, wanter->piece, LEN, &cached, &wanter->err);
	if (wanter->r == 0) {
		if (!is_of(cached, wanter->piece, LEN))
			wanter->r = 1;
		piece_cache_unpin(wanter->cache, cached);
	}
	wanter->is_done = true;
	return NULL;
}

static void start(struct wanter *wanter, struct piece_cache *cache, size_t piece)
{
	*wanter = (struct wanter){.cache = cache, .piece = piece};
	ck_assert_int_eq(pthread_create(&wanter->thread, NULL, want, wanter), 0);
}

static int join(struct wanter *wanter)
{
	ck_assert_int_eq(pthread_join(wanter->thread, NULL), 0);
	return wanter->r;
}

START_TEST(the_least_recently_used_goes_first)
{
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(3 * LEN, load, &loads);

	for (size_t i = 0; i < 3; i++)
		check_get(cache, i, LEN);
	ck_assert_uint_eq(piece_cache_hits(cache), 0);
	check_get(cache, 0, LEN);
	ck_assert_uint_eq(piece_cache_hits(cache), 1);
	ck_assert_uint_eq(loads.n, 3);
	check_get(cache, 3, LEN);
	ck_assert_uint_eq(loads.n, 4);
	ck_assert(!is_there(cache, 1));
	ck_assert(is_there(cache, 2) && is_there(cache, 0) && is_there(cache, 3));
	check_get(cache, 1, LEN); /* found 2 longest ago */
	ck_assert(!is_there(cache, 2) && is_there(cache, 0) && is_there(cache, 3));
	ck_assert_uint_eq(loads.n, 5);
	ck_assert(!is_there(cache, 1000000));
	piece_cache_free(cache);
	piece_cache_free(NULL);
}
END_TEST

START_TEST(the_size_is_bounded)
{
	static const size_t lens[] = {60, 10, 100, 30, 1, 70, 0, 99};
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(100, load, &loads);

	for (size_t i = 0; i < 100; i++) {
		size_t held = 0;

		check_get(cache, i, lens[i % ARRAY_SIZE(lens)]);
		for (size_t j = i < 10 ? 0 : i - 10; j <= i; j++) {
			struct cached_piece *cached = piece_cache_find(cache, j);

			if (!cached)
				continue;
			ck_assert(is_of(cached, j, lens[j % ARRAY_SIZE(lens)]));
			held += lens[j % ARRAY_SIZE(lens)];
			piece_cache_unpin(cache, cached);
		}
		ck_assert_uint_le(held, 100);
	}
	ck_assert_uint_eq(loads.n, 100);
	piece_cache_free(cache);
}
END_TEST

START_TEST(one_piece_is_kept_however_large)
{
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(1, load, &loads);

	for (size_t i = 0; i < 5; i++) {
		check_get(cache, i, LEN);
		check_get(cache, i, LEN);
		ck_assert(is_there(cache, i));
		ck_assert(i == 0 || !is_there(cache, i - 1));
	}
	ck_assert_uint_eq(loads.n, 5);
	piece_cache_free(cache);
}
END_TEST

START_TEST(what_is_pinned_stays)
{
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(LEN, load, &loads);
	struct cached_piece *cached = NULL;
	struct bmap_error err = {0};
	struct wanter others[3];

	OK(piece_cache_get(cache, 7, LEN, &cached, &err));
	for (size_t i = 0; i < 3; i++)
		start(&others[i], cache, i);
	usleep(10000);
	ck_assert(is_of(cached, 7, LEN));
	ck_assert_uint_eq(loads.n, 1); /* there is no room */
	piece_cache_unpin(cache, cached);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(join(&others[i]), 0);
	ck_assert_uint_eq(loads.n, 4);
	piece_cache_free(cache);
}
END_TEST

START_TEST(a_piece_is_decoded_once_for_all)
{
	struct loads loads = {.is_held = true};
	struct piece_cache *cache = piece_cache_new(2 * LEN, load, &loads);
	struct wanter wanters[8], other;

	for (size_t i = 0; i < 8; i++)
		start(&wanters[i], cache, 3);
	while (!loads.n)
		usleep(100);
	start(&other, cache, 4); /* no lock is held */
	while (loads.n < 2)
		usleep(100);
	ck_assert(!piece_cache_find(cache, 3)); /* it is not there yet */
	loads.is_held = false;
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(join(&wanters[i]), 0);
	ck_assert_int_eq(join(&other), 0);
	ck_assert_uint_eq(loads.n, 2);
	piece_cache_free(cache);
}
END_TEST

START_TEST(a_failure_is_said_and_not_kept)
{
	struct loads loads = {.fails = true};
	struct piece_cache *cache = piece_cache_new(LEN, load, &loads);
	struct cached_piece *cached = NULL;
	struct bmap_error err = {0};
	struct wanter wanters[4];

	for (size_t i = 0; i < 10; i++) {
		FAILS(piece_cache_get(cache, i, LEN, &cached, &err), EBADMSG, "is bad");
		ck_assert_ptr_null(cached);
		ck_assert(!is_there(cache, i));
	}
	ck_assert_uint_eq(piece_cache_hits(cache), 0);
	loads.is_held = true;
	for (size_t i = 0; i < 4; i++)
		start(&wanters[i], cache, 5);
	usleep(5000);
	loads.is_held = false;
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(join(&wanters[i]), -EBADMSG);
		ck_assert_str_eq(wanters[i].err.message, "piece 5 is bad");
	}
	loads.fails = false;
	check_get(cache, 5, LEN);
	piece_cache_free(cache);
}
END_TEST

START_TEST(pieces_are_decoded_in_advance)
{
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(2 * LEN, load, &loads);
	struct cached_piece *claimed;
	struct wanter wanter;
	bool is_full = true;

	claimed = piece_cache_claim(cache, 1, LEN, &is_full);
	ck_assert_ptr_nonnull(claimed);
	ck_assert(!is_there(cache, 1));
	is_full = true;
	ck_assert_ptr_null(piece_cache_claim(cache, 1, LEN, &is_full)); /* it is on the way */
	ck_assert(!is_full);
	start(&wanter, cache, 1);
	usleep(5000);
	ck_assert(!wanter.is_done);
	ck_assert_uint_eq(loads.n, 0);
	piece_cache_load(cache, claimed, 12345);
	ck_assert_int_eq(join(&wanter), 0);
	ck_assert_uint_eq(loads.read_on_to, 12345);
	ck_assert_uint_eq(loads.n, 1);
	is_full = true;
	ck_assert_ptr_null(piece_cache_claim(cache, 1, LEN, &is_full));
	ck_assert(!is_full);
	/* and nothing of it stays pinned */
	for (size_t i = 10; i < 30; i++) {
		claimed = piece_cache_claim(cache, i, LEN, &is_full);
		ck_assert_ptr_nonnull(claimed);
		piece_cache_load(cache, claimed, 0);
		ck_assert(is_there(cache, i));
	}
	ck_assert_uint_eq(loads.n, 21);
	piece_cache_free(cache);
}
END_TEST

START_TEST(nothing_in_use_is_dropped_in_advance)
{
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(2 * LEN, load, &loads);
	struct cached_piece *claimed, *cached = NULL;
	struct bmap_error err = {0};
	bool is_full = false;

	OK(piece_cache_get(cache, 0, LEN, &cached, &err));
	claimed = piece_cache_claim(cache, 1, LEN, &is_full);
	ck_assert_ptr_nonnull(claimed);
	ck_assert_ptr_null(piece_cache_claim(cache, 2, LEN, &is_full));
	ck_assert(is_full);
	is_full = false;
	ck_assert_ptr_null(piece_cache_claim(cache, 2, 10 * LEN, &is_full));
	ck_assert(is_full);
	piece_cache_load(cache, claimed, 0);
	ck_assert(is_of(cached, 0, LEN));
	piece_cache_unpin(cache, cached);
	piece_cache_free(cache);
}
END_TEST

START_TEST(a_failure_in_advance_is_met_by_who_waits)
{
	struct loads loads = {.fails = true};
	struct piece_cache *cache = piece_cache_new(2 * LEN, load, &loads);
	struct cached_piece *claimed;
	struct wanter wanter;
	bool is_full;

	claimed = piece_cache_claim(cache, 1, LEN, &is_full);
	start(&wanter, cache, 1);
	usleep(10000);
	piece_cache_load(cache, claimed, 0);
	ck_assert_int_eq(join(&wanter), -EBADMSG);
	ck_assert_str_eq(wanter.err.message, "piece 1 is bad");
	ck_assert(!is_there(cache, 1));
	loads.fails = false;
	check_get(cache, 1, LEN);
	piece_cache_free(cache);
}
END_TEST

/* Waits until the thread is through, but not for ever. */
static bool soon_done(struct wanter *wanter)
{
	for (size_t i = 0; i < 2000 && !wanter->is_done; i++)
		usleep(1000);
	return wanter->is_done;
}

START_TEST(cancelling_ends_waiting_for_room)
{
	struct loads loads = {0};
	struct piece_cache *cache = piece_cache_new(2 * LEN, load, &loads);
	struct cached_piece *claimed, *pinned = NULL, *cached = NULL;
	struct bmap_error err = {0};
	struct wanter wanter;
	bool is_full;

	OK(piece_cache_get(cache, 0, LEN, &pinned, &err));
	claimed = piece_cache_claim(cache, 1, LEN, &is_full);
	start(&wanter, cache, 2);
	usleep(10000);
	ck_assert(!wanter.is_done);
	piece_cache_cancel(cache);
	ck_assert_int_eq(join(&wanter), -ECANCELED);
	FAILS(piece_cache_get(cache, 9, LEN, &cached, &err), ECANCELED, "");
	ck_assert_ptr_null(cached);
	piece_cache_load(cache, claimed, 0);
	FAILS(piece_cache_get(cache, 1, LEN, &cached, &err), ECANCELED, "");
	claimed = piece_cache_claim(cache, 5, LEN, &is_full);
	if (claimed)
		piece_cache_load(cache, claimed, 0);
	ck_assert_uint_eq(loads.n, 1);
	ck_assert(is_of(pinned, 0, LEN));
	piece_cache_unpin(cache, pinned);
	piece_cache_free(cache);
}
END_TEST

START_TEST(cancelling_ends_waiting_for_a_piece)
{
	struct loads loads = {.is_held = true};
	struct piece_cache *cache = piece_cache_new(3 * LEN, load, &loads);
	struct cached_piece *claimed;
	struct wanter first, second, for_claimed;
	bool is_full, done;

	claimed = piece_cache_claim(cache, 1, LEN, &is_full);
	start(&for_claimed, cache, 1);
	start(&first, cache, 2);
	while (!loads.n)
		usleep(100);
	start(&second, cache, 2);
	usleep(10000);
	piece_cache_cancel(cache);
	done = soon_done(&second) && soon_done(&for_claimed);
	loads.is_held = false;
	piece_cache_load(cache, claimed, 0);
	join(&first);
	join(&second);
	ck_assert_int_eq(join(&for_claimed), -ECANCELED);
	ck_assert_msg(done, "they wait on");
	ck_assert_int_eq(second.r, -ECANCELED);
	piece_cache_free(cache);
}
END_TEST

/* ---- all at once ---- */

struct user {
	struct piece_cache *cache;
	pthread_t thread;
	uint32_t seed;
	const char *failed;
};

static void *use(void *opaque)
{
	struct user *user = opaque;

	for (size_t i = 0; i < 1000 && !user->failed; i++) {
		struct cached_piece *cached = NULL;
		struct bmap_error err = {0};
		size_t piece;
		bool is_full;

		user->seed = user->seed * 1103515245 + 12345;
		piece = (user->seed >> 16) % 25;
		if (user->seed & 0x1000) {
			cached = piece_cache_claim(user->cache, piece, LEN + piece, &is_full);
			if (cached)
				piece_cache_load(user->cache, cached, 0);
			continue;
		}
		if (user->seed & 0x2000) {
			cached = piece_cache_find(user->cache, piece);
		} else if (piece_cache_get(user->cache, piece, LEN + piece, &cached, &err) < 0) {
			user->failed = "it cannot be got";
			break;
		}
		if (cached && !is_of(cached, piece, LEN + piece))
			user->failed = "other bytes";
		if (cached)
			piece_cache_unpin(user->cache, cached);
	}
	return NULL;
}

START_TEST(eight_threads_use_one_cache)
{
	static const size_t sizes[] = {1, 5 * LEN, 30 * LEN};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct loads loads = {0};
		struct piece_cache *cache = piece_cache_new(sizes[i], load, &loads);
		struct user users[8];

		for (size_t j = 0; j < 8; j++) {
			users[j] = (struct user){.cache = cache, .seed = (uint32_t)j + 1};
			ck_assert_int_eq(pthread_create(&users[j].thread, NULL, use, &users[j]), 0);
		}
		for (size_t j = 0; j < 8; j++) {
			pthread_join(users[j].thread, NULL);
			ck_assert_msg(!users[j].failed, "%s", users[j].failed);
		}
		piece_cache_free(cache);
	}
}
END_TEST

UNIT_MAIN("piece_cache", the_least_recently_used_goes_first, the_size_is_bounded,
	  one_piece_is_kept_however_large, what_is_pinned_stays, a_piece_is_decoded_once_for_all,
	  a_failure_is_said_and_not_kept, pieces_are_decoded_in_advance,
	  nothing_in_use_is_dropped_in_advance, a_failure_in_advance_is_met_by_who_waits,
	  cancelling_ends_waiting_for_room, cancelling_ends_waiting_for_a_piece,
	  eight_threads_use_one_cache)
