/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings of a block device in sysfs that make a long sequential write steady and the rest of the
 * system responsive: no I/O scheduler, and a small share of the memory for its dirty pages.  They
 * are put back when the write is over, however it ends.
 *
 * Threads: one.
 */
#ifndef TARGET_DEVICE_TUNING_H
#define TARGET_DEVICE_TUNING_H

#include <sys/types.h>

struct device_tuning {
	char scheduler_path[128], scheduler[64]; /* "": not changed */
	char max_ratio_path[128], max_ratio[64];
};

/* Changes what can be changed; logs what cannot. */
void device_tuning_apply(struct device_tuning *tuning, dev_t device);

/* Puts back what was changed. */
void device_tuning_restore(struct device_tuning *tuning);

#endif
