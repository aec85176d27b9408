/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The copy (bmap/job.h): this thread takes chunks from the reader and verifies them, another one
 * writes.
 *
 * Verified chunks go to the writer; those of a range that is not complete yet wait, as long as the
 * range is small, so that what is wrong is not even written.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/queue.h"
#include "base/thread.h"
#include "base/units.h"
#include "bmap/log.h"
#include "copy/job_state.h"
#include "copy/range_verifier.h"
#include "map/slice.h"
#include "image/image_holes.h"
#include "image/image_reader.h"
#include "map/bmap_private.h"

#define N_QUEUED 4
/* Zeros are left out of a file in steps of this. */
#define SPARSE_STEP 4096

struct copy {
	struct bmap_job *job;
	struct bmap_image *image;
	const struct bmap *map; /* what is written; NULL: everything */
	struct bmap_target *target;
	struct bmap_copy_result *result;
	bool is_mapped;      /* the map was given, and is not of what is stored */
	bool skip_zeros;     /* the target is a file in which holes are zeros */
	uint64_t size_bytes; /* of the image; TARGET_SIZE_UNKNOWN when that shows at the end */

	struct image_reader *reader;
	struct range_verifier *verifier; /* NULL: there is no map */
	struct chunk kept[IMAGE_READER_MAX_KEPT];
	size_t n_kept;

	struct queue *queue;
	pthread_t writer;
	bool has_writer;
	int clone_fd; /* the image's own file when its bytes may be shared; of the writer alone */
	uint64_t clone_offset_bytes;
	struct bmap_error writer_err;     /* of the writer until it is joined */
	uint64_t end_bytes, copied_bytes; /* of the writer until it is joined */
};

/* ---- the writer ---- */

static int write_bytes(struct copy *copy, const uint8_t *data, size_t len, uint64_t offset)
{
	if (copy->clone_fd >= 0) {
		if (target_clone(copy->target, copy->clone_fd, copy->clone_offset_bytes + offset,
				 len, offset) == 0)
			return 0;
		copy->clone_fd = -1;
	}
	return target_write(copy->target, data, len, offset, &copy->writer_err);
}

/* Writes what is not zero; the file has zeros there already. */
static int write_sparse(struct copy *copy, const uint8_t *data, size_t len, uint64_t offset)
{
	size_t at = 0;

	while (at < len) {
		size_t from = at, step;
		bool zero = true;

		for (; at < len; at += step) {
			step = MIN(len - at, SPARSE_STEP - (size_t)((offset + at) % SPARSE_STEP));
			if (at == from)
				zero = block_is_zero(data + at, step);
			else if (block_is_zero(data + at, step) != zero)
				break;
		}
		if (!zero && write_bytes(copy, data + from, at - from, offset + from) < 0)
			return -copy->writer_err.code;
	}
	return 0;
}

static int write_chunk(struct copy *copy, const struct chunk *chunk)
{
	struct slice slice = {0};

	if (!target_has_begun(copy->target) &&
	    target_begin(copy->target, copy->size_bytes, &copy->writer_err) < 0)
		return -copy->writer_err.code;
	while (slice_next(copy->map, chunk->offset_bytes, chunk->len, &slice)) {
		const uint8_t *data = chunk->data + (slice.first_bytes - chunk->offset_bytes);
		int r = copy->skip_zeros ? write_sparse(copy, data, slice.len, slice.first_bytes)
					 : write_bytes(copy, data, slice.len, slice.first_bytes);

		if (r < 0) {
			uint64_t block_size =
				copy->map ? bmap_block_size_bytes(copy->map) : SPARSE_STEP;

			return bmap_error_prefix(&copy->writer_err,
						 "error while writing blocks %" PRIu64 "-%" PRIu64
						 " of '%s'",
						 slice.first_bytes / block_size,
						 (slice.first_bytes + slice.len - 1) / block_size,
						 bmap_target_name(copy->target));
		}
		copy->copied_bytes += slice.len;
		copy->end_bytes = slice.first_bytes + slice.len;
	}
	return 0;
}

static void *writer_thread(void *opaque)
{
	struct copy *copy = opaque;
	struct chunk chunk;

	while (queue_pop(copy->queue, &chunk)) {
		/* After a failure the queue is only emptied, so that nobody waits at it. */
		if (copy->writer_err.code == 0 && write_chunk(copy, &chunk) < 0) {
			queue_close(copy->queue);
			image_reader_cancel(copy->reader);
		}
		chunk_fini(&chunk);
	}
	return NULL;
}

/* ---- the verifier ---- */

/* Sends the oldest @n chunks on their way. */
static int release(struct copy *copy, size_t n, struct bmap_error *err)
{
	size_t sent = 0;

	while (sent < n && queue_push(copy->queue, &copy->kept[sent]))
		sent++;
	copy->n_kept -= sent;
	memmove(copy->kept, copy->kept + sent, copy->n_kept * sizeof(copy->kept[0]));
	return sent == n ? 0 : bmap_error_set(err, ECANCELED, "cancelled");
}

static int take_chunk(struct copy *copy, struct chunk *chunk, struct bmap_error *err)
{
	uint64_t verified_to = UINT64_MAX, end = chunk->offset_bytes + chunk->len;
	size_t n = 0;

	copy->kept[copy->n_kept++] = *chunk;
	if (copy->size_bytes != TARGET_SIZE_UNKNOWN && end > copy->size_bytes)
		return bmap_error_set(
			err, EBADMSG,
			"the image '%s' is larger than the %" PRIu64
			" bytes that it should have: the bmap file does not belong to "
			"this image",
			bmap_image_name(copy->image), copy->size_bytes);
	if (target_check_size(copy->target, end, bmap_image_name(copy->image), err) < 0)
		return -err->code;
	if (copy->verifier) {
		if (range_verifier_take(copy->verifier, chunk->data, chunk->len,
					chunk->offset_bytes, err) < 0)
			return -err->code;
		verified_to = range_verifier_verified_to(copy->verifier);
	}
	while (n < copy->n_kept && copy->kept[n].offset_bytes + copy->kept[n].len <= verified_to)
		n++;
	/* A large range does not fit into memory until its checksum is known. */
	if (n == 0 && copy->n_kept == ARRAY_SIZE(copy->kept))
		n = 1;
	return release(copy, n, err);
}

/* The image is whole: was it the image of the map? */
static int check_whole(struct copy *copy, struct bmap_error *err)
{
	uint64_t size = image_reader_image_size(copy->reader);
	uint64_t mapped, block_size;

	copy->result->image_size_bytes = size;
	if (!copy->is_mapped && copy->size_bytes != TARGET_SIZE_UNKNOWN && copy->size_bytes != size)
		return bmap_error_set(err, EBADMSG,
				      "the image '%s' has %" PRIu64
				      " bytes, but should have %" PRIu64,
				      bmap_image_name(copy->image), size, copy->size_bytes);
	if (!copy->map)
		return 0;
	mapped = range_verifier_mapped_bytes(copy->verifier);
	block_size = bmap_block_size_bytes(copy->map);
	if (mapped == bmap_mapped_bytes(copy->map))
		return 0;
	return bmap_error_set(err, ENODATA,
			      "wrote %" PRIu64 " blocks from image '%s' to '%s', but should have "
			      "%" PRIu64
			      " - the image ends early, or the bmap file does not belong "
			      "to it",
			      DIV_ROUND_UP(mapped, block_size), bmap_image_name(copy->image),
			      bmap_target_name(copy->target), bmap_n_mapped_blocks(copy->map));
}

static int run(struct copy *copy, struct bmap_error *err)
{
	struct chunk chunk;
	int r;

	while ((r = image_reader_next(copy->reader, &chunk, err)) == 1) {
		if (take_chunk(copy, &chunk, err) < 0)
			return -err->code;
		if (job_is_cancelled(copy->job))
			return bmap_error_set(err, ECANCELED, "cancelled");
	}
	if (r < 0 || check_whole(copy, err) < 0)
		return -err->code;
	return release(copy, copy->n_kept, err);
}

/* ---- setting up and ending ---- */

/* A local raw image that lies on the same filesystem as the target could share its blocks. */
static void find_clone_source(struct copy *copy)
{
	copy->clone_fd = -1;
	if (bmap_image_is_raw(copy->image) && target_is_born_zero(copy->target))
		copy->clone_fd =
			source_local_fd(image_source(copy->image), &copy->clone_offset_bytes);
}

static int check_sizes(struct copy *copy, const struct bmap *map, struct bmap_error *err)
{
	uint64_t size;
	bool has_size = bmap_image_size(copy->image, &size);

	copy->size_bytes = map ? bmap_image_size_bytes(map) : has_size ? size : TARGET_SIZE_UNKNOWN;
	if (map && has_size && size != copy->size_bytes)
		return bmap_error_set(err, EBADMSG,
				      "cannot set image size to %" PRIu64
				      " bytes, it is known to be %" PRIu64 " bytes (%s)",
				      copy->size_bytes, size, human_size(size).text);
	if (copy->size_bytes != TARGET_SIZE_UNKNOWN)
		return target_check_size(copy->target, copy->size_bytes,
					 bmap_image_name(copy->image), err);
	return 0;
}

/*
 * Of a sparse image that is copied whole to a new file, the holes need not be read: a map of what
 * is stored, used as if it had been given, but for the checksums.
 */
static int map_of_stored(struct copy *copy, struct bmap **map, struct bmap_error *err)
{
	struct range_set stored = {0};
	uint64_t offset;
	int fd = source_local_fd(image_source(copy->image), &offset);
	int r = 0;

	if (!bmap_image_is_raw(copy->image) || fd < 0 || offset != 0 ||
	    !target_is_born_zero(copy->target) ||
	    image_holes_seek(fd, copy->size_bytes, SPARSE_STEP, &stored) < 0) {
		range_set_fini(&stored);
		return 0;
	}
	range_set_normalize(&stored);
	r = bmap_new(map, copy->size_bytes, SPARSE_STEP, NULL, err);
	for (size_t i = 0; r == 0 && i < stored.n_ranges; i++)
		r = bmap_add_range(*map, stored.ranges[i].first_block, stored.ranges[i].n_blocks,
				   NULL, err);
	range_set_fini(&stored);
	return r;
}

static int start(struct copy *copy, bool no_verify, struct bmap_error *err)
{
	struct image_reader_options options = {
		.wanted = copy->map,
		/* Checksums make sure that what is not mapped need not be looked at. */
		.may_skip = copy->map && !no_verify && bmap_is_verifiable(copy->map),
	};
	int r;

	if (copy->map && range_verifier_new(&copy->verifier, copy->map,
					    bmap_image_name(copy->image), no_verify, err) < 0)
		return -err->code;
	copy->queue = queue_new(N_QUEUED, sizeof(struct chunk));
	if (!copy->queue)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (image_reader_open(&copy->reader, copy->image, &options, err) < 0)
		return -err->code;
	r = thread_start(&copy->writer, writer_thread, copy);
	if (r)
		return bmap_error_set_system(err, -r, "cannot start a thread");
	copy->has_writer = true;
	job_set_target(copy->job, copy->target);
	job_set_reader(copy->job, copy->reader);
	return 0;
}

/* Joins the writer and gives everything back; the first failure of all stages stands in @err. */
static int stop(struct copy *copy, struct bmap_error *err)
{
	if (copy->has_writer) {
		queue_close(copy->queue);
		pthread_join(copy->writer, NULL);
	}
	/* What the writer met came first: this thread only saw that it had stopped. */
	if (copy->writer_err.code && (err->code == 0 || err->code == ECANCELED))
		*err = copy->writer_err;
	for (size_t i = 0; i < copy->n_kept; i++)
		chunk_fini(&copy->kept[i]);
	job_set_reader(copy->job, NULL);
	image_reader_close(copy->reader);
	range_verifier_free(copy->verifier);
	queue_free(copy->queue);
	return -err->code;
}

static int finish(struct copy *copy, struct bmap_error *err)
{
	uint64_t size = copy->size_bytes == TARGET_SIZE_UNKNOWN ? copy->result->image_size_bytes
								: copy->size_bytes;

	/* An image without a mapped byte still gives the file its size. */
	if (!target_has_begun(copy->target) && target_begin(copy->target, size, err) < 0)
		return -err->code;
	return target_end(copy->target, size, err);
}

static void fill_result(struct copy *copy)
{
	struct bmap_copy_result *result = copy->result;

	result->target_changed = target_has_begun(copy->target);
	if (copy->size_bytes == TARGET_SIZE_UNKNOWN && result->image_size_bytes)
		result->mapped_bytes = result->image_size_bytes; /* known by now */
	result->copied_bytes = copy->copied_bytes;
	result->end_bytes = copy->end_bytes;
	if (copy->size_bytes != TARGET_SIZE_UNKNOWN)
		result->image_size_bytes = copy->size_bytes;
	job_set_target(copy->job, NULL);
}

int bmap_copy(struct bmap_job *job, struct bmap_image *image, const struct bmap *map,
	      struct bmap_target *target, const struct bmap_copy_options *options,
	      struct bmap_copy_result *result, struct bmap_error *err)
{
	CLEANUP(bmap_freep) struct bmap *stored = NULL;
	struct copy copy = {
		.job = job,
		.image = image,
		.map = map,
		.target = target,
		.result = result,
		.is_mapped = map != NULL,
		.skip_zeros = !map && target_is_born_zero(target),
	};

	*result = (struct bmap_copy_result){0};
	if (!map && bmap_image_check_archive(image, err) < 0)
		return -err->code;
	if (check_sizes(&copy, map, err) < 0)
		return -err->code;
	if (!map) {
		if (map_of_stored(&copy, &stored, err) < 0)
			return -err->code;
		copy.map = stored;
	}
	if (copy.map || copy.size_bytes != TARGET_SIZE_UNKNOWN) {
		result->mapped_bytes = copy.map ? bmap_mapped_bytes(copy.map) : copy.size_bytes;
		job_set_total(job, result->mapped_bytes);
	}
	find_clone_source(&copy);
	if (start(&copy, options->no_verify, err) == 0)
		(void)!run(&copy, err);
	if (stop(&copy, err) == 0)
		(void)!finish(&copy, err);
	fill_result(&copy);
	if (job_is_cancelled(job)) {
		bmap_error_set(err, ECANCELED, "cancelled");
		err->code = ECANCELED;
	}
	return -err->code;
}
