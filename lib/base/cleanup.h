/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clean-up of locals when they go out of scope, so that an early return is always right. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_unlockp(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

#define CLEANUP_FREE  CLEANUP(cleanup_freep)
#define CLEANUP_CLOSE CLEANUP(cleanup_closep)

/* Holds @mutex until the end of the block. */
#define LOCKED(mutex) \
	CLEANUP(cleanup_unlockp) \
	__attribute__((unused)) pthread_mutex_t *locked_here = (pthread_mutex_lock(mutex), (mutex))

/* Moves a pointer out of a variable that would be cleaned up. */
#define STEAL_PTR(p) \
	({ \
		typeof(p) stolen = (p); \
		(p) = NULL; \
		stolen; \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
