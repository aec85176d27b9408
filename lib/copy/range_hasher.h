/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checksums of ranges of a local file, computed by several threads: ranges are independent of
 * each other.
 *
 * Threads: it starts and joins its own.
 */
#ifndef COPY_RANGE_HASHER_H
#define COPY_RANGE_HASHER_H

#include "copy/job_state.h"
#include "map/digest.h"
#include "map/range_set.h"

/* Where the ranges lie. */
struct range_file {
	int fd;
	const char *name;
	uint64_t offset_bytes; /* of the image in the file */
	uint64_t image_size_bytes, block_size_bytes;
};

/*
 * *@digests (caller frees) gets one digest a range, behind each other.  @n_threads 0: as many as
 * there are processors.  -ENODATA, -EIO, -ECANCELED.
 */
BMAP_MUST_CHECK int range_hasher_run(struct bmap_job *job, const struct range_file *file,
				     const struct range_set *ranges, const struct digest_type *type,
				     unsigned int n_threads, uint8_t **digests,
				     struct bmap_error *err);

#endif
