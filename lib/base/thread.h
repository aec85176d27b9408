/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads of the library: signals are for the program's own.  Threads: any. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "bmap/error.h"

/* Starts a thread in which all signals are blocked.  Returns 0 or -errno. */
BMAP_MUST_CHECK int thread_start(pthread_t *thread, void *(*run)(void *), void *opaque);

#endif
