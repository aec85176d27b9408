/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "base/processors.h"
#include "base/thread.h"
#include "copy/range_hasher.h"

/* What stays in the cache of a processor between reading and hashing; bench: 64 K to 1 M alike. */
#define BUFFER_LEN  (256 << 10)
#define MAX_THREADS 16

struct hasher {
	struct bmap_job *job;
	const struct range_file *file;
	const struct range_set *ranges;
	const struct digest_type *type;
	uint8_t *digests;   /* each range's place is written by one thread */
	size_t *order;      /* longest ranges first, so that the threads end together */
	atomic_size_t next; /* in order */
	atomic_bool failed;
	pthread_mutex_t lock;
	struct bmap_error err; /* guarded by lock */
};

static int hash_range(struct hasher *hasher, struct digest *digest, uint8_t *buf, size_t i,
		      struct bmap_error *err)
{
	const struct range_file *file = hasher->file;
	const struct bmap_range *range = &hasher->ranges->ranges[i];
	uint64_t offset = range->first_block * file->block_size_bytes;
	uint64_t end = MIN((range->first_block + range->n_blocks) * file->block_size_bytes,
			   file->image_size_bytes);

	while (offset < end) {
		size_t len = (size_t)MIN((uint64_t)BUFFER_LEN, end - offset);
		ssize_t n = fd_pread_full(file->fd, buf, len, file->offset_bytes + offset);

		if (n < 0)
			return bmap_error_set_system(err, (int)-n,
						     "error while reading blocks %" PRIu64
						     "-%" PRIu64 " of the image file '%s'",
						     range->first_block,
						     range->first_block + range->n_blocks - 1,
						     file->name);
		if ((size_t)n < len)
			return bmap_error_set(err, ENODATA,
					      "the image file '%s' became shorter while it was "
					      "being read",
					      file->name);
		if (atomic_load(&hasher->failed) || job_is_cancelled(hasher->job))
			return bmap_error_set(err, ECANCELED, "cancelled");
		digest_update(digest, buf, len);
		job_add_done(hasher->job, len);
		offset += len;
	}
	digest_finish(digest, hasher->digests + i * digest_type_len(hasher->type));
	return 0;
}

static void *hasher_thread(void *opaque)
{
	struct hasher *hasher = opaque;
	CLEANUP(digest_freep) struct digest *digest = digest_new(hasher->type);
	CLEANUP_FREE uint8_t *buf = malloc(BUFFER_LEN);
	struct bmap_error err = {0};
	size_t at;

	if (!digest || !buf)
		bmap_error_set(&err, ENOMEM, "out of memory");
	while (err.code == 0 &&
	       (at = atomic_fetch_add(&hasher->next, 1)) < hasher->ranges->n_ranges)
		(void)!hash_range(hasher, digest, buf, hasher->order[at], &err);
	if (err.code && !atomic_exchange(&hasher->failed, true)) {
		LOCKED(&hasher->lock);
		hasher->err = err;
	}
	return NULL;
}

static int by_length(const void *a, const void *b, void *opaque)
{
	const struct bmap_range *ranges = opaque;
	uint64_t first = ranges[*(const size_t *)a].n_blocks;
	uint64_t second = ranges[*(const size_t *)b].n_blocks;

	return first > second ? -1 : first < second;
}

/* This thread works as well, so one that cannot be started is not missed. */
static void run_threads(struct hasher *hasher, unsigned int n_threads)
{
	pthread_t threads[MAX_THREADS];
	unsigned int n = 0;

	while (n + 1 < n_threads && thread_start(&threads[n], hasher_thread, hasher) == 0)
		n++;
	hasher_thread(hasher);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

int range_hasher_run(struct bmap_job *job, const struct range_file *file,
		     const struct range_set *ranges, const struct digest_type *type,
		     unsigned int n_threads, uint8_t **digests, struct bmap_error *err)
{
	size_t n = ranges->n_ranges;
	CLEANUP_FREE size_t *order = calloc(n + 1, sizeof(*order));
	CLEANUP_FREE uint8_t *result = calloc(n + 1, digest_type_len(type));
	struct hasher hasher = {
		.job = job,
		.file = file,
		.ranges = ranges,
		.type = type,
		.digests = result,
		.order = order,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	if (!order || !result)
		return bmap_error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (n)
		qsort_r(order, n, sizeof(*order), by_length, ranges->ranges);
	if (n_threads == 0)
		n_threads = count_processors();
	run_threads(&hasher, (unsigned int)MIN((size_t)MIN(n_threads, MAX_THREADS), n));
	if (hasher.err.code) {
		*err = hasher.err;
		return -err->code;
	}
	*digests = STEAL_PTR(result);
	return 0;
}
