/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>

#include "base/thread.h"

int thread_start(pthread_t *thread, void *(*run)(void *), void *opaque)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, run, opaque);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}
