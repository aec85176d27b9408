/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "copy/job_state.h"
#include "copy/map_builder.h"
#include "map/digest.h"
#include "map/range_set.h"

struct map_builder {
	struct map_builder_options options;
	struct digest_type *type;
	struct digest *digest;
	struct range_set ranges; /* those that are complete */
	uint8_t *digests;        /* of them */
	size_t digests_capacity;
	struct bmap_range open; /* the range that grows; n_blocks 0: there is none */
	uint8_t *block;         /* a block that came in parts */
	size_t block_len;
	uint64_t next_block;
	size_t nomap_at;
};

int map_builder_new(struct map_builder **builder_out, const struct map_builder_options *options,
		    struct bmap_error *err)
{
	struct map_builder *builder = calloc(1, sizeof(*builder));

	if (!builder)
		return bmap_error_set(err, ENOMEM, "out of memory");
	builder->options = *options;
	if (digest_type_new(&builder->type, options->checksum_type, err) == 0) {
		builder->digest = digest_new(builder->type);
		builder->block = calloc(1, options->block_size_bytes);
		if (!builder->digest || !builder->block)
			bmap_error_set(err, ENOMEM, "out of memory");
	}
	if (err->code) {
		map_builder_free(builder);
		return -err->code;
	}
	*builder_out = builder;
	return 0;
}

void map_builder_free(struct map_builder *builder)
{
	if (!builder)
		return;
	digest_free(builder->digest);
	digest_type_free(builder->type);
	range_set_fini(&builder->ranges);
	free(builder->digests);
	free(builder->block);
	free(builder);
}

/* Ends the range that grows. */
static int close_range(struct map_builder *builder, struct bmap_error *err)
{
	size_t len = digest_type_len(builder->type), n = builder->ranges.n_ranges;

	if (builder->open.n_blocks == 0)
		return 0;
	if (n == builder->digests_capacity) {
		size_t capacity = n ? 2 * n : 64;
		void *larger = reallocarray(builder->digests, capacity, len);

		if (!larger)
			return bmap_error_set(err, ENOMEM, "out of memory");
		builder->digests = larger;
		builder->digests_capacity = capacity;
	}
	if (!builder->options.no_checksum)
		digest_finish(builder->digest, builder->digests + n * len);
	/* Neighbours stay apart: each has a checksum of its own. */
	if (range_set_append(&builder->ranges, builder->open) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	builder->open.n_blocks = 0;
	return 0;
}

static bool is_nomap(struct map_builder *builder, uint64_t block)
{
	const struct map_builder_options *options = &builder->options;

	while (builder->nomap_at < options->n_nomap &&
	       options->nomap[builder->nomap_at].first_block +
			       options->nomap[builder->nomap_at].n_blocks <=
		       block)
		builder->nomap_at++;
	return builder->nomap_at < options->n_nomap &&
	       options->nomap[builder->nomap_at].first_block <= block;
}

static int take_block(struct map_builder *builder, const uint8_t *data, size_t len,
		      struct bmap_error *err)
{
	uint64_t block = builder->next_block++;
	bool mapped = !builder->options.detect_zeroes || is_nomap(builder, block) ||
		      !block_is_zero(data, len);

	if (!mapped || (builder->options.max_range_blocks &&
			builder->open.n_blocks == builder->options.max_range_blocks)) {
		if (close_range(builder, err) < 0)
			return -err->code;
	}
	if (!mapped)
		return 0;
	if (builder->open.n_blocks == 0)
		builder->open.first_block = block;
	builder->open.n_blocks++;
	if (!builder->options.no_checksum)
		digest_update(builder->digest, data, len);
	return 0;
}

/* From the current block on: how many blocks of zeros may be left out at once, up to @until? */
static uint64_t count_unmapped(struct map_builder *builder, uint64_t until_block)
{
	if (!builder->options.detect_zeroes || is_nomap(builder, builder->next_block))
		return 0;
	if (builder->nomap_at < builder->options.n_nomap)
		until_block =
			MIN(until_block, builder->options.nomap[builder->nomap_at].first_block);
	return until_block - builder->next_block;
}

/* Blocks of zeros that never came, as the holes of a sparse file do. */
static int take_zeros(struct map_builder *builder, uint64_t until_block, struct bmap_error *err)
{
	memset(builder->block, 0, builder->options.block_size_bytes);
	while (builder->next_block < until_block) {
		uint64_t n = count_unmapped(builder, until_block);

		if (n > 0) {
			if (close_range(builder, err) < 0)
				return -err->code;
			builder->next_block += n;
		} else if (take_block(builder, builder->block, builder->options.block_size_bytes,
				      err) < 0) {
			return -err->code;
		}
	}
	return 0;
}

int map_builder_take(struct map_builder *builder, const uint8_t *data, size_t len,
		     uint64_t offset_bytes, struct bmap_error *err)
{
	const size_t block_size = builder->options.block_size_bytes;

	/* Only whole blocks are ever left out. */
	if (builder->block_len == 0 && take_zeros(builder, offset_bytes / block_size, err) < 0)
		return -err->code;
	while (len > 0) {
		size_t n = MIN(len, block_size - builder->block_len);

		if (n == block_size) {
			if (take_block(builder, data, n, err) < 0)
				return -err->code;
		} else {
			memcpy(builder->block + builder->block_len, data, n);
			builder->block_len += n;
			if (builder->block_len == block_size) {
				builder->block_len = 0;
				if (take_block(builder, builder->block, block_size, err) < 0)
					return -err->code;
			}
		}
		data += n;
		len -= n;
	}
	return 0;
}

int map_builder_finish(struct map_builder *builder, uint64_t image_size_bytes,
		       struct bmap **map_out, struct bmap_error *err)
{
	const uint64_t block_size = builder->options.block_size_bytes;
	size_t digest_len = digest_type_len(builder->type);
	struct bmap *map;

	if (builder->block_len > 0) { /* the last block may be partial */
		if (take_block(builder, builder->block, builder->block_len, err) < 0)
			return -err->code;
	} else if (take_zeros(builder, image_size_bytes / block_size, err) < 0) {
		return -err->code;
	}
	if (builder->next_block * block_size < image_size_bytes &&
	    take_block(builder, builder->block, image_size_bytes % block_size, err) < 0)
		return -err->code;
	if (close_range(builder, err) < 0 ||
	    bmap_new(&map, image_size_bytes, block_size, builder->options.checksum_type, err) < 0)
		return -err->code;
	for (size_t i = 0; i < builder->ranges.n_ranges; i++) {
		const struct bmap_range *range = &builder->ranges.ranges[i];

		if (bmap_add_range(map, range->first_block, range->n_blocks,
				   builder->options.no_checksum ? NULL
								: builder->digests + i * digest_len,
				   err) < 0) {
			bmap_free(map);
			return -err->code;
		}
	}
	*map_out = map;
	return 0;
}
