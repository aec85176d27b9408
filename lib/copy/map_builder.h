/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a map of an image whose bytes pass in order: which blocks are not zeros, and the checksums
 * of the ranges that they form.
 *
 * Threads: one.
 */
#ifndef COPY_MAP_BUILDER_H
#define COPY_MAP_BUILDER_H

#include "bmap/bmap.h"

struct map_builder;

struct map_builder_options {
	uint64_t block_size_bytes;
	const char *checksum_type;
	bool no_checksum;
	uint64_t max_range_blocks; /* 0: no limit */
	bool detect_zeroes;
	const struct bmap_range *nomap; /* sorted, mapped whatever they hold; lent */
	size_t n_nomap;
};

BMAP_MUST_CHECK int map_builder_new(struct map_builder **builder,
				    const struct map_builder_options *options,
				    struct bmap_error *err);
void map_builder_free(struct map_builder *builder);

/* The image's bytes at @offset_bytes; what was left out since the last call counts as zeros. */
BMAP_MUST_CHECK int map_builder_take(struct map_builder *builder, const uint8_t *data, size_t len,
				     uint64_t offset_bytes, struct bmap_error *err);

/* The image is whole. */
BMAP_MUST_CHECK int map_builder_finish(struct map_builder *builder, uint64_t image_size_bytes,
				       struct bmap **map, struct bmap_error *err);

#endif
