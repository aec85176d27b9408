/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>

#include "base/processors.h"

unsigned int count_processors(void)
{
	cpu_set_t processors;

	/* Fails on machines with more than 1024 processors. */
	if (sched_getaffinity(0, sizeof(processors), &processors) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&processors);
}
