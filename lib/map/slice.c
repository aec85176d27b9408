/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/checked.h"
#include "map/slice.h"

bool slice_next(const struct bmap *map, uint64_t offset_bytes, size_t len, struct slice *slice)
{
	uint64_t end = offset_bytes + len, last;
	uint64_t from = slice->len ? slice->first_bytes + slice->len : offset_bytes;
	struct bmap_range range;

	if (from >= end)
		return false;
	if (!map) {
		*slice = (struct slice){offset_bytes, len, 0, 0, UINT64_MAX};
		return true;
	}
	/* Within a stretch the next part is of the same range or of the one behind it. */
	if (slice->len)
		slice->range += from >= slice->range_end_bytes;
	else
		slice->range = bmap_find_range(map, from / bmap_block_size_bytes(map));
	if (slice->range >= bmap_n_ranges(map))
		return false;
	range = bmap_get_range(map, slice->range, NULL, NULL);
	slice->range_first_bytes = range.first_block * bmap_block_size_bytes(map);
	slice->range_end_bytes =
		MIN((range.first_block + range.n_blocks) * bmap_block_size_bytes(map),
		    bmap_image_size_bytes(map));
	slice->first_bytes = MAX(from, slice->range_first_bytes);
	last = MIN(end, slice->range_end_bytes);
	if (slice->first_bytes >= last)
		return false;
	slice->len = (size_t)(last - slice->first_bytes);
	return true;
}
