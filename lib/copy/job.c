/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "copy/job_state.h"

struct bmap_job {
	atomic_bool cancelled, has_total;
	_Atomic uint64_t total_bytes, done_bytes;
	pthread_mutex_t lock;
	struct image_reader *reader;      /* guarded by lock */
	const struct bmap_target *target; /* guarded by lock */
};

struct bmap_job *bmap_job_new(void)
{
	struct bmap_job *job = calloc(1, sizeof(*job));

	if (job)
		pthread_mutex_init(&job->lock, NULL);
	return job;
}

void bmap_job_free(struct bmap_job *job)
{
	if (!job)
		return;
	pthread_mutex_destroy(&job->lock);
	free(job);
}

struct bmap_progress bmap_job_progress(struct bmap_job *job)
{
	LOCKED(&job->lock);

	return (struct bmap_progress){
		.has_total = job->has_total,
		.total_bytes = job->total_bytes,
		.done_bytes = job->target ? target_written_bytes(job->target) : job->done_bytes,
	};
}

void bmap_job_cancel(struct bmap_job *job)
{
	LOCKED(&job->lock);

	job->cancelled = true;
	if (job->reader)
		image_reader_cancel(job->reader);
}

void job_set_reader(struct bmap_job *job, struct image_reader *reader)
{
	LOCKED(&job->lock);

	job->reader = reader;
	if (reader && job->cancelled)
		image_reader_cancel(reader);
}

void job_set_target(struct bmap_job *job, const struct bmap_target *target)
{
	LOCKED(&job->lock);

	if (!target && job->target)
		job->done_bytes = target_written_bytes(job->target);
	job->target = target;
}

void job_set_total(struct bmap_job *job, uint64_t total_bytes)
{
	job->total_bytes = total_bytes;
	job->has_total = true;
}

void job_add_done(struct bmap_job *job, uint64_t n_bytes)
{
	atomic_fetch_add_explicit(&job->done_bytes, n_bytes, memory_order_relaxed);
}

bool job_is_cancelled(struct bmap_job *job)
{
	return job->cancelled;
}

bool block_is_zero(const uint8_t *data, size_t len)
{
	/* When the first byte is zero and each byte equals the next, all are zero. */
	return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}
