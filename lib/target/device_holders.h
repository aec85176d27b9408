/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who uses a block device: what to tell somebody whose device is busy.  Threads: any. */
#ifndef TARGET_DEVICE_HOLDERS_H
#define TARGET_DEVICE_HOLDERS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes "/dev/sda1 is mounted on /mnt, sda2 is held by dm-0 (vg-root)" into @text, about the
 * device and its partitions; nothing when nobody is found.
 */
void device_holders_format(dev_t device, char *text, size_t size);

#endif
