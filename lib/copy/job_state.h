/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the jobs share (bmap/job.h).  Threads: as there. */
#ifndef COPY_JOB_STATE_H
#define COPY_JOB_STATE_H

#include "bmap/job.h"
#include "image/image_reader.h"
#include "target/target_write.h"

/* From now on a cancelled job cancels @reader too; NULL: from now on it does not. */
void job_set_reader(struct bmap_job *job, struct image_reader *reader);

/* The progress is what @target has written; NULL: what job_add_done() was told. */
void job_set_target(struct bmap_job *job, const struct bmap_target *target);

void job_set_total(struct bmap_job *job, uint64_t total_bytes);
void job_add_done(struct bmap_job *job, uint64_t n_bytes);
bool job_is_cancelled(struct bmap_job *job);

/* Is this block, @len bytes long, nothing but zeros? */
bool block_is_zero(const uint8_t *data, size_t len);

#endif
