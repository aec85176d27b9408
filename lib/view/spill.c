/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "bmap/log.h"
#include "view/forward_reader.h"
#include "view/mapped_file.h"
#include "view/spill.h"

/* The thread goes so much further than somebody wants to read, so that the next read finds it. */
#define AHEAD_BYTES (16 << 20)

struct spill {
	struct spill_options options;
	const char *name;            /* of the image, lent */
	uint64_t mapped_end_bytes;   /* nothing behind is mapped; UINT64_MAX: it is not known */
	struct bmap_image *image;    /* the first one, lent; of the thread */
	struct bmap_image *reopened; /* NULL: the first one is in use; of the thread */
	struct mapped_file file;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct forward_reader *reader; /* guarded by lock: who opens and closes it is the thread */
	uint64_t reached_bytes;        /* guarded by lock: all before it is there */
	uint64_t goal_bytes;           /* guarded by lock */
	bool is_over, has_failed, cancelled; /* guarded by lock */
	struct bmap_error err;               /* guarded by lock: while has_failed */
	pthread_t thread;
	bool has_thread;
};

/* Waits until there is something to do.  false: it is over. */
static bool wait_for_work(struct spill *spill)
{
	LOCKED(&spill->lock);

	while (!spill->cancelled &&
	       (spill->is_over || spill->has_failed || spill->reached_bytes >= spill->goal_bytes))
		pthread_cond_wait(&spill->changed, &spill->lock);
	return !spill->cancelled;
}

static void set_reader(struct spill *spill, struct forward_reader *reader)
{
	LOCKED(&spill->lock);

	spill->reader = reader;
	if (spill->cancelled && reader)
		forward_reader_cancel(reader);
}

static void close_reader(struct spill *spill)
{
	struct forward_reader *reader = spill->reader;

	set_reader(spill, NULL);
	forward_reader_close(reader);
}

/* Begins, or begins anew after a failure with an image opened once more. */
static int open_reader(struct spill *spill, struct bmap_error *err)
{
	const struct spill_options *options = &spill->options;
	const struct forward_options forward = {
		.map = options->map,
		.checkpoints = options->checkpoints,
		.learned = options->learned,
		.from = options->has_from ? &options->from : NULL,
	};
	struct forward_reader *reader;

	if (options->learned)
		piece_index_fini(options->learned);
	if (!spill->image) {
		bmap_image_close(spill->reopened);
		spill->reopened = NULL;
		if (options->reopen(options->opaque, &spill->reopened, err) < 0)
			return -err->code;
	}
	if (forward_reader_open(&reader, spill->image ? spill->image : spill->reopened, &forward,
				err) < 0)
		return -err->code;
	set_reader(spill, reader);
	return 0;
}

/* Keeps the mapped bytes, unless an earlier try has kept them already. */
static int keep(struct spill *spill, const uint8_t *data, size_t len, uint64_t offset_bytes,
		struct bmap_error *err)
{
	if (offset_bytes + len <= spill->reached_bytes)
		return 0;
	if (mapped_file_write(&spill->file, data, len, offset_bytes, err) < 0)
		return -err->code;
	if (spill->options.ledger)
		range_ledger_feed(spill->options.ledger, data, len, offset_bytes, false);
	return 0;
}

static void note_progress(struct spill *spill, uint64_t reached_bytes, bool is_over)
{
	LOCKED(&spill->lock);

	spill->reached_bytes = MAX(spill->reached_bytes, reached_bytes);
	spill->is_over = is_over;
	pthread_cond_broadcast(&spill->changed);
}

static void note_failure(struct spill *spill, const struct bmap_error *err)
{
	LOCKED(&spill->lock);

	spill->has_failed = true;
	spill->err = *err;
	pthread_cond_broadcast(&spill->changed);
}

/* One step: some more bytes.  Returns 0 at the end of the image. */
static int step(struct spill *spill, struct bmap_error *err)
{
	const uint8_t *data;
	uint64_t offset;
	size_t len;
	int r = spill->reader ? 0 : open_reader(spill, err);

	if (r < 0)
		return r;
	r = forward_reader_next(spill->reader, &data, &len, &offset, err);
	if (r == 0)
		note_progress(spill, offset, true);
	if (r <= 0)
		return r;
	atomic_fetch_add_explicit(spill->options.decoded_bytes, len, memory_order_relaxed);
	if (keep(spill, data, len, offset, err) < 0)
		return -err->code;
	note_progress(spill, offset + len, false);
	return 1;
}

static void *spill_thread(void *opaque)
{
	struct spill *spill = opaque;

	while (wait_for_work(spill)) {
		struct bmap_error err = {0};
		int r = step(spill, &err);

		if (r > 0)
			continue;
		if (r < 0) {
			/* Its image is given up: nobody waits for a source that has stalled. */
			if (spill->reader)
				forward_reader_cancel(spill->reader);
			spill->image = NULL;
			note_failure(spill, &err);
		}
		close_reader(spill);
	}
	close_reader(spill);
	return NULL;
}

static uint64_t mapped_end(const struct bmap *map)
{
	struct bmap_range last;

	if (!map)
		return UINT64_MAX;
	if (bmap_n_ranges(map) == 0)
		return 0;
	last = bmap_get_range(map, bmap_n_ranges(map) - 1, NULL, NULL);
	return (last.first_block + last.n_blocks) * bmap_block_size_bytes(map);
}

int spill_new(struct spill **spill_out, struct bmap_image *image,
	      const struct spill_options *options, struct bmap_error *err)
{
	struct spill *spill = calloc(1, sizeof(*spill));
	int r;

	if (!spill)
		return bmap_error_set(err, ENOMEM, "out of memory");
	spill->options = *options;
	spill->image = image;
	spill->name = bmap_image_name(image);
	spill->mapped_end_bytes = mapped_end(options->map);
	spill->reached_bytes = options->has_from ? options->from.image_offset_bytes : 0;
	pthread_mutex_init(&spill->lock, NULL);
	pthread_cond_init(&spill->changed, NULL);
	if (mapped_file_open(&spill->file, options->folder, options->map, err) < 0) {
		spill_free(spill);
		return -err->code;
	}
	r = thread_start(&spill->thread, spill_thread, spill);
	if (r) {
		bmap_error_set_system(err, -r, "cannot start a thread");
		spill_free(spill);
		return -err->code;
	}
	spill->has_thread = true;
	*spill_out = spill;
	return 0;
}

void spill_cancel(struct spill *spill)
{
	LOCKED(&spill->lock);

	spill->cancelled = true;
	if (spill->reader)
		forward_reader_cancel(spill->reader);
	pthread_cond_broadcast(&spill->changed);
}

void spill_stop(struct spill *spill)
{
	if (!spill->has_thread)
		return;
	spill_cancel(spill);
	pthread_join(spill->thread, NULL);
	spill->has_thread = false;
}

void spill_free(struct spill *spill)
{
	if (!spill)
		return;
	spill_stop(spill);
	bmap_image_close(spill->reopened);
	mapped_file_close(&spill->file);
	pthread_cond_destroy(&spill->changed);
	pthread_mutex_destroy(&spill->lock);
	free(spill);
}

int spill_reach(struct spill *spill, uint64_t end_bytes, struct bmap_error *err)
{
	LOCKED(&spill->lock);
	uint64_t goal = end_bytes > UINT64_MAX - AHEAD_BYTES ? end_bytes : end_bytes + AHEAD_BYTES;

	/* What is left then is a hole: the end says that the image is whole, and where its pieces
	 * are. */
	if (goal >= spill->mapped_end_bytes)
		goal = UINT64_MAX;

	/* What failed for others is tried again for who comes now. */
	if (spill->has_failed && spill->reached_bytes < end_bytes)
		spill->has_failed = false;
	if (goal > spill->goal_bytes || spill->reached_bytes < end_bytes) {
		spill->goal_bytes = MAX(spill->goal_bytes, goal);
		pthread_cond_broadcast(&spill->changed);
	}
	while (spill->reached_bytes < end_bytes && !spill->is_over && !spill->has_failed &&
	       !spill->cancelled)
		pthread_cond_wait(&spill->changed, &spill->lock);
	if (spill->reached_bytes >= end_bytes || spill->is_over)
		return 0;
	if (spill->cancelled)
		return bmap_error_set(err, ECANCELED, "cancelled");
	*err = spill->err;
	return -err->code;
}

bool spill_size(struct spill *spill, uint64_t *size_bytes)
{
	LOCKED(&spill->lock);

	*size_bytes = spill->reached_bytes;
	return spill->is_over;
}

int spill_pread(struct spill *spill, uint8_t *buf, size_t len, uint64_t offset_bytes,
		struct bmap_error *err)
{
	uint64_t reached;

	spill_size(spill, &reached);
	if (offset_bytes + len > reached)
		return bmap_error_set(err, ENODATA,
				      "the image '%s' ends at byte %" PRIu64
				      ", before its map does",
				      spill->name, reached);
	return mapped_file_read(&spill->file, buf, len, offset_bytes, err);
}
