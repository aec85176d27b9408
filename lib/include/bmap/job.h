/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The jobs: copying an image to a target, making the map of an image.
 *
 * A job is run by one thread and watched by others: how far it is, and the request to stop.
 * Threads: bmap_job_progress() and bmap_job_cancel() from any thread while the job runs.
 */
#ifndef BMAP_JOB_H
#define BMAP_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmap/bmap.h>
#include <bmap/image.h>
#include <bmap/target.h>
#include <bmap/trace.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

struct bmap_job;

struct bmap_progress {
	bool has_total;
	uint64_t total_bytes; /* to be written or read */
	uint64_t done_bytes;  /* written, as far as it has left for the medium; or read */
};

/* NULL when out of memory. */
BMAP_API struct bmap_job *bmap_job_new(void);
BMAP_API void bmap_job_free(struct bmap_job *job);
BMAP_API struct bmap_progress bmap_job_progress(struct bmap_job *job);

/* The job ends soon with -ECANCELED, and leaves everything as any other failure does. */
BMAP_API void bmap_job_cancel(struct bmap_job *job);

/* What a copy did, also when it failed. */
struct bmap_copy_result {
	bool target_changed; /* false: the target is as it was */
	uint64_t image_size_bytes;
	uint64_t mapped_bytes; /* that should be on the target */
	uint64_t copied_bytes; /* that are */
	uint64_t end_bytes;    /* the mapped bytes before this place of the image are on it */
};

struct bmap_copy_options {
	bool no_verify; /* ranges are not compared with their checksums */
};

/*
 * Copies the mapped blocks of @image to @target; @map NULL: the whole image.  A range's checksum is
 * compared as soon as its last byte passes, and small ranges are written only after that.  The
 * target is not touched before the first bytes are there and good.  bmap_target_sync() has to
 * follow. -EBADMSG (checksum, damaged data, another image than the map's), -ENODATA (the image ends
 * early), -ENOSPC, -EIO, -ECANCELED.
 */
BMAP_API BMAP_MUST_CHECK int bmap_copy(struct bmap_job *job, struct bmap_image *image,
				       const struct bmap *map, struct bmap_target *target,
				       const struct bmap_copy_options *options,
				       struct bmap_copy_result *result, struct bmap_error *err);

/* Blocks that are mapped whatever they hold. */
struct bmap_nomap {
	bool is_partition;               /* of the image's own table */
	unsigned int partition;          /* its number, from 1 on */
	uint64_t first_bytes, end_bytes; /* otherwise: these bytes */
};

struct bmap_create_options {
	const char *checksum_type; /* NULL: "sha256" */
	bool no_checksum;          /* ranges get no checksums */
	uint64_t max_range_bytes;  /* longer ranges are cut; 0: they are not */
	bool detect_zeroes;        /* blocks of zeros are not mapped */
	const struct bmap_nomap *nomap;
	size_t n_nomap;
	const struct bmap_trace *trace; /* of the image; NULL: what its filesystem stores counts */
	enum bmap_trace_policy policy;
	enum bmap_punched punched;
};

/*
 * Makes the map of @image: of a local raw file by its trace, or by the holes that its filesystem
 * knows, of anything else by decoding it, with all blocks mapped unless zeros are detected.  What a
 * trace changed is said at level info.
 */
BMAP_API BMAP_MUST_CHECK int bmap_create(struct bmap_job *job, struct bmap_image *image,
					 const struct bmap_create_options *options,
					 struct bmap **map, struct bmap_error *err);

BMAP_END_DECLS

#endif
