/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"
#include "unit.h"

static atomic_int n_in_thread, n_elsewhere;
static atomic_bool is_over;
static pthread_t the_thread;

static void count(int number)
{
	(void)number;
	if (pthread_equal(pthread_self(), the_thread))
		n_in_thread++;
	else
		n_elsewhere++;
}

static void *give_mask(void *opaque)
{
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, opaque), 0);
	return opaque;
}

START_TEST(all_signals_are_blocked_in_it)
{
	sigset_t mask, before, after;
	pthread_t thread;
	void *result = NULL;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ck_assert_int_eq(thread_start(&thread, give_mask, &mask), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, &mask);
	for (int i = 1; i < 32; i++) {
		if (i != SIGKILL && i != SIGSTOP)
			ck_assert_msg(sigismember(&mask, i) == 1, "signal %d", i);
	}
	/* and the caller's stay as they were */
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < 32; i++)
		ck_assert_int_eq(sigismember(&after, i), i == SIGUSR2);
}
END_TEST

static void *wait_for_end(void *opaque)
{
	while (!is_over)
		usleep(1000);
	return opaque;
}

START_TEST(signals_are_for_the_programs_own)
{
	ck_assert(signal(SIGUSR1, count) != SIG_ERR);
	ck_assert_int_eq(thread_start(&the_thread, wait_for_end, NULL), 0);
	for (int i = 0; i < 20; i++) {
		kill(getpid(), SIGUSR1);
		while (n_elsewhere + n_in_thread <= i)
			usleep(100);
	}
	is_over = true;
	ck_assert_int_eq(pthread_join(the_thread, NULL), 0);
	ck_assert_int_eq(n_in_thread, 0);
	ck_assert_int_eq(n_elsewhere, 20);
}
END_TEST

UNIT_MAIN("thread", all_signals_are_blocked_in_it, signals_are_for_the_programs_own)
