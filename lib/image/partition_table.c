/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <blkid/blkid.h>

#include "base/cleanup.h"
#include "base/fd_io.h"
#include "image/image_parts.h"
#include "image/partition_table.h"

#define HEAD_LEN (1 << 20)
/* libblkid counts in sectors of this size, whatever the image's are. */
#define SECTOR 512

static void free_probe(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

/* A sparse file in memory that looks like the image, as far as its first bytes go. */
static int open_head(struct bmap_image *image, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *head = malloc(HEAD_LEN);
	CLEANUP_CLOSE int fd = -1;
	uint64_t size;
	ssize_t n;

	if (!head)
		return bmap_error_set(err, ENOMEM, "out of memory");
	n = image_read_head(image, head, HEAD_LEN, err);
	if (n < 0)
		return (int)n;
	fd = fd_memory_file("image", head, (size_t)n);
	/* Probing looks at the end as well, where zeros do no harm. */
	if (!bmap_image_size(image, &size))
		size = UINT64_C(1) << 40;
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return bmap_error_set_system(err, errno, "cannot look at '%s'",
					     bmap_image_name(image));
	return steal_fd(&fd);
}

static void take_partition(struct bmap_partition *to, blkid_partition from)
{
	const char *name = blkid_partition_get_name(from);

	*to = (struct bmap_partition){
		.number = (unsigned int)blkid_partition_get_partno(from),
		.first_bytes = (uint64_t)blkid_partition_get_start(from) * SECTOR,
		.len_bytes = (uint64_t)blkid_partition_get_size(from) * SECTOR,
	};
	snprintf(to->name, sizeof(to->name), "%s", name ? name : "");
}

static int list_in(int fd, uint64_t offset, uint64_t size, struct bmap_partition **partitions,
		   size_t *n_partitions)
{
	CLEANUP(free_probe) blkid_probe probe = blkid_new_probe();
	blkid_partlist list;
	int n;

	if (!probe || blkid_probe_set_device(probe, fd, (blkid_loff_t)offset, (blkid_loff_t)size))
		return -ENOMEM;
	/* A GPT whose second copy is missing or wrong is one all the same. */
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_FORCE_GPT);
	list = blkid_probe_get_partitions(probe);
	n = list ? blkid_partlist_numof_partitions(list) : 0;
	*partitions = calloc((size_t)(n > 0 ? n : 1), sizeof(**partitions));
	if (!*partitions)
		return -ENOMEM;
	*n_partitions = 0;
	for (int i = 0; i < n; i++)
		take_partition(&(*partitions)[(*n_partitions)++],
			       blkid_partlist_get_partition(list, i));
	return 0;
}

int bmap_image_partitions(struct bmap_image *image, struct bmap_partition **partitions,
			  size_t *n_partitions, struct bmap_error *err)
{
	CLEANUP_CLOSE int head = -1;
	uint64_t offset = 0, size = 0;
	int fd = bmap_image_is_raw(image) ? source_local_fd(image_source(image), &offset) : -1;

	if (fd < 0) {
		fd = head = open_head(image, err);
		offset = 0;
		if (fd < 0)
			return fd;
	} else {
		bmap_image_size(image, &size);
	}
	return list_in(fd, offset, size, partitions, n_partitions) < 0
		       ? bmap_error_set(err, ENOMEM, "out of memory")
		       : 0;
}

int partition_find(struct bmap_image *image, unsigned int number, uint64_t *first_bytes,
		   uint64_t *len_bytes, struct bmap_error *err)
{
	CLEANUP_FREE struct bmap_partition *partitions = NULL;
	size_t n = 0;

	if (bmap_image_partitions(image, &partitions, &n, err) < 0)
		return -err->code;
	for (size_t i = 0; i < n; i++) {
		if (partitions[i].number == number) {
			*first_bytes = partitions[i].first_bytes;
			*len_bytes = partitions[i].len_bytes;
			return 0;
		}
	}
	return bmap_error_set(err, ENOENT, "'%s' has no partition p%u", bmap_image_name(image),
			      number);
}
