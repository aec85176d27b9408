/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time that only goes forward, for what lasted how long.  Threads: any. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC UINT64_C(1000000000)

/* Nanoseconds since some moment in the past. */
static inline uint64_t clock_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static inline double clock_seconds_since(uint64_t start_nsec)
{
	return (double)(clock_nsec() - start_nsec) / (double)NSEC_PER_SEC;
}

#endif
