/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the partitions of a disk image lie, by libblkid (GPT, MBR with logical partitions...).
 *
 * Threads: any.
 */
#ifndef IMAGE_PARTITION_TABLE_H
#define IMAGE_PARTITION_TABLE_H

#include "bmap/image.h"

/*
 * The bytes of partition @number (1 is the first).  Of an image that can only be read forwards, the
 * table must lie in its first MiB.  -ENOENT: there is no such partition, or no table;
 * -EOPNOTSUPP: built without libblkid.
 */
BMAP_MUST_CHECK int partition_find(struct bmap_image *image, unsigned int number,
				   uint64_t *first_bytes, uint64_t *len_bytes,
				   struct bmap_error *err);

#endif
