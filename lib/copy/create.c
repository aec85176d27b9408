/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The making of a map (bmap/job.h): of a local raw file from what its filesystem stores, or from
 * what its trace says, the ranges hashed side by side; of all else from the bytes as they are
 * decoded.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/log.h"
#include "copy/job_state.h"
#include "copy/map_builder.h"
#include "copy/range_hasher.h"
#include "image/image_parts.h"
#include "image/image_holes.h"
#include "image/image_reader.h"
#include "map/bmap_private.h"
#include "image/partition_table.h"

#define DEFAULT_CHECKSUM   "sha256"
#define DEFAULT_BLOCK_SIZE 4096

struct create {
	struct bmap_job *job;
	struct bmap_image *image;
	const struct bmap_create_options *options;
	const char *checksum_type;
	uint64_t block_size_bytes, max_range_blocks;
	bool has_size;
	uint64_t size_bytes;
	struct range_set nomap; /* in blocks, sorted */
};

/* The blocks that --nomap names, rounded outwards. */
static int add_nomap(struct create *create, const struct bmap_nomap *nomap, struct bmap_error *err)
{
	uint64_t first = nomap->first_bytes, end = nomap->end_bytes, len = 0;

	if (nomap->is_partition) {
		if (partition_find(create->image, nomap->partition, &first, &len, err) < 0)
			return -err->code;
		if (ckd_add(&end, first, len))
			return bmap_error_set(err, EOVERFLOW, "partition p%u of '%s' is too large",
					      nomap->partition, bmap_image_name(create->image));
	}
	if (create->has_size)
		end = MIN(end, create->size_bytes);
	if (first >= end)
		return bmap_error_set(err, EINVAL,
				      "--nomap: the bytes from %" PRIu64 " on lie outside of '%s'",
				      first, bmap_image_name(create->image));
	first /= create->block_size_bytes;
	end = DIV_ROUND_UP(end, create->block_size_bytes);
	return range_set_add(&create->nomap, first, end - first) < 0
		       ? bmap_error_set(err, ENOMEM, "out of memory")
		       : 0;
}

static int prepare(struct create *create, struct bmap_error *err)
{
	const struct bmap_create_options *options = create->options;
	uint64_t offset;
	int fd = source_local_fd(image_source(create->image), &offset);

	create->checksum_type = options->checksum_type ? options->checksum_type : DEFAULT_CHECKSUM;
	create->block_size_bytes = DEFAULT_BLOCK_SIZE;
	if (options->trace && (!bmap_image_is_raw(create->image) || fd < 0))
		return bmap_error_set(err, EINVAL, "'%s' is no local raw image: it has no trace",
				      bmap_image_name(create->image));
	if (!options->trace && bmap_image_is_raw(create->image) && fd >= 0 &&
	    image_block_size(fd, bmap_image_name(create->image), &create->block_size_bytes, err) <
		    0)
		return -err->code;
	create->has_size = bmap_image_size(create->image, &create->size_bytes);
	if (create->has_size && create->size_bytes == 0)
		return bmap_error_set(err, EINVAL,
				      "cannot generate bmap for zero-sized image file '%s'",
				      bmap_image_name(create->image));
	if (options->max_range_bytes)
		create->max_range_blocks =
			MAX(options->max_range_bytes / create->block_size_bytes, 1);
	for (size_t i = 0; i < options->n_nomap; i++) {
		if (add_nomap(create, &options->nomap[i], err) < 0)
			return -err->code;
	}
	range_set_normalize(&create->nomap);
	return 0;
}

/* ---- from the holes of a file ---- */

/* What the trace says is mapped, in its blocks, which are the map's. */
static int read_trace(const struct create *create, struct range_set *mapped, struct bmap_error *err)
{
	const struct bmap_create_options *options = create->options;
	uint64_t end = DIV_ROUND_UP(create->size_bytes, BMAP_TRACE_BLOCK_BYTES);
	struct bmap_trace_run run = {0};

	while (bmap_trace_next(options->trace, run.first_block + run.n_blocks, end, &run)) {
		if (bmap_trace_is_mapped(run.facts, options->policy, options->punched) &&
		    range_set_add(mapped, run.first_block, run.n_blocks) < 0)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* The map that there would be without the trace, compared with the one that there is. */
static void say_what_trace_changed(const struct create *create, int fd,
				   const struct range_set *mapped)
{
	CLEANUP(range_set_fini) struct range_set stored = {0};
	struct bmap_error err = {0};

	if (image_holes_read(fd, bmap_image_name(create->image), create->size_bytes,
			     create->block_size_bytes, &stored, &err) < 0)
		return;
	range_set_normalize(&stored);
	bmap_log(BMAP_LOG_INFO,
		 "'%s': %" PRIu64 " blocks are mapped only because of the trace, %" PRIu64
		 " are left out only because of it",
		 bmap_image_name(create->image), range_set_n_beyond(mapped, &stored),
		 range_set_n_beyond(&stored, mapped));
}

static int find_mapped(struct create *create, int fd, struct range_set *mapped,
		       struct bmap_error *err)
{
	const struct range_set *nomap = &create->nomap;

	if (create->options->trace) {
		if (read_trace(create, mapped, err) < 0)
			return -err->code;
		say_what_trace_changed(create, fd, mapped);
	} else if (image_holes_read(fd, bmap_image_name(create->image), create->size_bytes,
				    create->block_size_bytes, mapped, err) < 0) {
		return -err->code;
	}
	for (size_t i = 0; i < nomap->n_ranges; i++) {
		if (range_set_append(mapped, nomap->ranges[i]) < 0)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	range_set_normalize(mapped);
	return 0;
}

static int fill_map(struct bmap *map, const struct range_set *mapped, const uint8_t *digests,
		    size_t digest_len, struct bmap_error *err)
{
	for (size_t i = 0; i < mapped->n_ranges; i++) {
		const struct bmap_range *range = &mapped->ranges[i];

		if (bmap_add_range(map, range->first_block, range->n_blocks,
				   digests ? digests + i * digest_len : NULL, err) < 0)
			return -err->code;
	}
	return 0;
}

static void set_total(struct create *create, const struct range_set *mapped)
{
	uint64_t n_blocks = 0;

	for (size_t i = 0; i < mapped->n_ranges; i++)
		n_blocks += mapped->ranges[i].n_blocks;
	job_set_total(create->job, n_blocks * create->block_size_bytes);
}

static int create_from_holes(struct create *create, int fd, struct bmap **map_out,
			     struct bmap_error *err)
{
	const struct range_file file = {
		.fd = fd,
		.name = bmap_image_name(create->image),
		.image_size_bytes = create->size_bytes,
		.block_size_bytes = create->block_size_bytes,
	};
	CLEANUP(range_set_fini) struct range_set mapped = {0};
	CLEANUP(digest_type_freep) struct digest_type *type = NULL;
	CLEANUP_FREE uint8_t *digests = NULL;
	struct bmap *map;

	if (digest_type_new(&type, create->checksum_type, err) < 0 ||
	    find_mapped(create, fd, &mapped, err) < 0)
		return -err->code;
	if (create->max_range_blocks && range_set_split(&mapped, create->max_range_blocks) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	set_total(create, &mapped);
	if (!create->options->no_checksum &&
	    range_hasher_run(create->job, &file, &mapped, type,
			     image_options(create->image)->n_threads, &digests, err) < 0)
		return -err->code;
	if (bmap_new(&map, create->size_bytes, create->block_size_bytes, create->checksum_type,
		     err) < 0)
		return -err->code;
	if (fill_map(map, &mapped, digests, digest_type_len(type), err) < 0) {
		bmap_free(map);
		return -err->code;
	}
	*map_out = map;
	return 0;
}

/* ---- from the bytes as they come ---- */

/* What a local file stores, so that its holes are not read: a map without checksums. */
static int map_of_stored(struct create *create, int fd, struct bmap **map, struct bmap_error *err)
{
	CLEANUP(range_set_fini) struct range_set mapped = {0};

	if (find_mapped(create, fd, &mapped, err) < 0 ||
	    bmap_new(map, create->size_bytes, create->block_size_bytes, NULL, err) < 0)
		return -err->code;
	return fill_map(*map, &mapped, NULL, 0, err);
}

static int read_all(struct create *create, struct image_reader *reader, struct map_builder *builder,
		    struct bmap **map, struct bmap_error *err)
{
	struct chunk chunk;
	int r;

	while ((r = image_reader_next(reader, &chunk, err)) == 1) {
		r = map_builder_take(builder, chunk.data, chunk.len, chunk.offset_bytes, err);
		job_add_done(create->job, chunk.len);
		chunk_fini(&chunk);
		if (r < 0)
			break;
	}
	if (r == 0 && image_reader_image_size(reader) == 0)
		r = bmap_error_set(err, EINVAL,
				   "cannot generate bmap for zero-sized image file '%s'",
				   bmap_image_name(create->image));
	return r < 0 ? r : map_builder_finish(builder, image_reader_image_size(reader), map, err);
}

static int create_from_bytes(struct create *create, int fd, struct bmap **map,
			     struct bmap_error *err)
{
	const struct map_builder_options builder_options = {
		.block_size_bytes = create->block_size_bytes,
		.checksum_type = create->checksum_type,
		.no_checksum = create->options->no_checksum,
		.max_range_blocks = create->max_range_blocks,
		.detect_zeroes = create->options->detect_zeroes,
		.nomap = create->nomap.ranges,
		.n_nomap = create->nomap.n_ranges,
	};
	CLEANUP(bmap_freep) struct bmap *stored = NULL;
	struct image_reader_options options = {.zero_holes = true};
	struct image_reader *reader = NULL;
	struct map_builder *builder;

	if (fd >= 0 && map_of_stored(create, fd, &stored, err) < 0)
		return -err->code;
	options.wanted = stored;
	if (create->has_size)
		job_set_total(create->job, stored ? bmap_mapped_bytes(stored) : create->size_bytes);
	if (map_builder_new(&builder, &builder_options, err) < 0)
		return -err->code;
	if (image_reader_open(&reader, create->image, &options, err) == 0) {
		job_set_reader(create->job, reader);
		(void)!read_all(create, reader, builder, map, err);
		job_set_reader(create->job, NULL);
	}
	image_reader_close(reader);
	map_builder_free(builder);
	return -err->code;
}

int bmap_create(struct bmap_job *job, struct bmap_image *image,
		const struct bmap_create_options *options, struct bmap **map,
		struct bmap_error *err)
{
	struct create create = {.job = job, .image = image, .options = options};
	uint64_t offset;
	int fd = source_local_fd(image_source(image), &offset);
	int r = prepare(&create, err);

	/* A stretch of an archive has holes of its own only by chance. */
	if (!bmap_image_is_raw(image) || offset != 0)
		fd = -1;
	if (r == 0 && fd >= 0 && !options->detect_zeroes)
		r = create_from_holes(&create, fd, map, err);
	else if (r == 0)
		r = create_from_bytes(&create, fd, map, err);
	range_set_fini(&create.nomap);
	if (r == 0 && job_is_cancelled(job)) {
		bmap_free(*map);
		*map = NULL;
		r = bmap_error_set(err, ECANCELED, "cancelled");
	}
	return r;
}
