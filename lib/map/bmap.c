/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map in memory (bmap/bmap.h); bmap_parse() and bmap_format() live in bmap_xml_*.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/bmap.h"
#include "map/bmap_private.h"
#include "map/digest.h"

struct bmap {
	uint64_t image_size_bytes, block_size_bytes;
	uint64_t n_blocks, n_mapped_blocks;
	char version[16];
	char *checksum_type;
	size_t digest_len;
	size_t n_ranges, capacity;
	struct bmap_range *ranges;
	uint8_t *digests;  /* digest_len bytes a range */
	bool *has_digests; /* one a range */
};

const char *bmap_version(void)
{
	return PACKAGE_VERSION;
}

static int set_checksum_type(struct bmap *map, const char *name, struct bmap_error *err)
{
	struct digest_type *type;
	int r = digest_type_new(&type, name, err);

	if (r < 0)
		return r;
	map->digest_len = digest_type_len(type);
	digest_type_free(type);
	map->checksum_type = strdup(name);
	return map->checksum_type ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

int bmap_new(struct bmap **map_out, uint64_t image_size_bytes, uint64_t block_size_bytes,
	     const char *checksum_type, struct bmap_error *err)
{
	struct bmap *map;
	uint64_t n_blocks, end;

	if (block_size_bytes == 0)
		return bmap_error_set(err, EINVAL, "the block size is 0");
	n_blocks = DIV_ROUND_UP(image_size_bytes, block_size_bytes);
	if (ckd_mul(&end, n_blocks, block_size_bytes) || end > INT64_MAX)
		return bmap_error_set(err, EOVERFLOW, "an image of %" PRIu64 " bytes is too large",
				      image_size_bytes);
	map = calloc(1, sizeof(*map));
	if (!map)
		return bmap_error_set(err, ENOMEM, "out of memory");
	map->image_size_bytes = image_size_bytes;
	map->block_size_bytes = block_size_bytes;
	map->n_blocks = n_blocks;
	strcpy(map->version, "2.0");
	if (checksum_type && set_checksum_type(map, checksum_type, err) < 0) {
		bmap_free(map);
		return -err->code;
	}
	*map_out = map;
	return 0;
}

void bmap_free(struct bmap *map)
{
	if (!map)
		return;
	free(map->checksum_type);
	free(map->ranges);
	free(map->digests);
	free(map->has_digests);
	free(map);
}

void bmap_set_format_version(struct bmap *map, const char *version)
{
	strncpy(map->version, version, sizeof(map->version) - 1);
}

static int grow(struct bmap *map)
{
	size_t capacity = map->capacity ? 2 * map->capacity : 64;
	void *larger;

	larger = reallocarray(map->ranges, capacity, sizeof(*map->ranges));
	if (!larger)
		return -ENOMEM;
	map->ranges = larger;
	larger = reallocarray(map->has_digests, capacity, sizeof(*map->has_digests));
	if (!larger)
		return -ENOMEM;
	map->has_digests = larger;
	if (map->digest_len) {
		larger = reallocarray(map->digests, capacity, map->digest_len);
		if (!larger)
			return -ENOMEM;
		map->digests = larger;
	}
	map->capacity = capacity;
	return 0;
}

int bmap_add_range(struct bmap *map, uint64_t first_block, uint64_t n_blocks, const uint8_t *digest,
		   struct bmap_error *err)
{
	const struct bmap_range *last = map->n_ranges ? &map->ranges[map->n_ranges - 1] : NULL;
	size_t i = map->n_ranges;
	uint64_t end;

	if (n_blocks == 0 || ckd_add(&end, first_block, n_blocks) || end > map->n_blocks)
		return bmap_error_set(err, EINVAL,
				      "the range of %" PRIu64 " blocks at block %" PRIu64
				      " does not lie in the image of %" PRIu64 " blocks",
				      n_blocks, first_block, map->n_blocks);
	if (last && first_block < last->first_block + last->n_blocks)
		return bmap_error_set(err, EINVAL,
				      "the ranges at blocks %" PRIu64 " and %" PRIu64 " overlap",
				      last->first_block, first_block);
	if (i == map->capacity && grow(map) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	map->ranges[i] = (struct bmap_range){first_block, n_blocks};
	map->has_digests[i] = digest && map->digest_len;
	if (map->has_digests[i])
		memcpy(map->digests + i * map->digest_len, digest, map->digest_len);
	map->n_ranges++;
	map->n_mapped_blocks += n_blocks;
	return 0;
}

uint64_t bmap_image_size_bytes(const struct bmap *map)
{
	return map->image_size_bytes;
}

uint64_t bmap_block_size_bytes(const struct bmap *map)
{
	return map->block_size_bytes;
}

uint64_t bmap_n_blocks(const struct bmap *map)
{
	return map->n_blocks;
}

uint64_t bmap_n_mapped_blocks(const struct bmap *map)
{
	return map->n_mapped_blocks;
}

uint64_t bmap_mapped_bytes(const struct bmap *map)
{
	uint64_t bytes = map->n_mapped_blocks * map->block_size_bytes;
	const struct bmap_range *last = map->n_ranges ? &map->ranges[map->n_ranges - 1] : NULL;

	if (last && last->first_block + last->n_blocks == map->n_blocks)
		bytes -= map->n_blocks * map->block_size_bytes - map->image_size_bytes;
	return bytes;
}

const char *bmap_format_version(const struct bmap *map)
{
	return map->version;
}

const char *bmap_checksum_type(const struct bmap *map)
{
	return map->checksum_type;
}

size_t bmap_n_ranges(const struct bmap *map)
{
	return map->n_ranges;
}

struct bmap_range bmap_get_range(const struct bmap *map, size_t index, const uint8_t **digest,
				 size_t *digest_len)
{
	if (digest)
		*digest = map->has_digests[index] ? map->digests + index * map->digest_len : NULL;
	if (digest_len)
		*digest_len = map->digest_len;
	return map->ranges[index];
}

bool bmap_is_verifiable(const struct bmap *map)
{
	for (size_t i = 0; i < map->n_ranges; i++) {
		if (!map->has_digests[i])
			return false;
	}
	return true;
}

size_t bmap_find_range(const struct bmap *map, uint64_t block)
{
	size_t low = 0, high = map->n_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct bmap_range *range = &map->ranges[middle];

		if (range->first_block + range->n_blocks <= block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
