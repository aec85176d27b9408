/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many processors this process may use.  Threads: any. */
#ifndef BASE_PROCESSORS_H
#define BASE_PROCESSORS_H

/* At least 1. */
unsigned int count_processors(void);

#endif
