/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"
#include "map/range_set.h"

void range_set_fini(struct range_set *set)
{
	free(set->ranges);
	*set = (struct range_set){0};
}

int range_set_append(struct range_set *set, struct bmap_range range)
{
	if (set->n_ranges == set->capacity) {
		size_t capacity = set->capacity ? 2 * set->capacity : 64;
		void *larger = reallocarray(set->ranges, capacity, sizeof(range));

		if (!larger)
			return -ENOMEM;
		set->ranges = larger;
		set->capacity = capacity;
	}
	set->ranges[set->n_ranges++] = range;
	return 0;
}

int range_set_add(struct range_set *set, uint64_t first_block, uint64_t n_blocks)
{
	struct bmap_range *last = set->n_ranges ? &set->ranges[set->n_ranges - 1] : NULL;

	if (n_blocks == 0)
		return 0;
	if (last && last->first_block + last->n_blocks == first_block) {
		last->n_blocks += n_blocks;
		return 0;
	}
	return range_set_append(set, (struct bmap_range){first_block, n_blocks});
}

static int compare(const void *a, const void *b)
{
	uint64_t first = ((const struct bmap_range *)a)->first_block;
	uint64_t second = ((const struct bmap_range *)b)->first_block;

	return first < second ? -1 : first > second;
}

void range_set_normalize(struct range_set *set)
{
	size_t kept = 0;

	if (set->n_ranges == 0)
		return;
	qsort(set->ranges, set->n_ranges, sizeof(*set->ranges), compare);
	for (size_t i = 1; i < set->n_ranges; i++) {
		struct bmap_range *last = &set->ranges[kept], next = set->ranges[i];
		uint64_t end = last->first_block + last->n_blocks;

		if (next.first_block > end)
			set->ranges[++kept] = next;
		else
			last->n_blocks =
				MAX(end, next.first_block + next.n_blocks) - last->first_block;
	}
	set->n_ranges = kept + 1;
}

int range_set_split(struct range_set *set, uint64_t max_blocks)
{
	struct range_set parts = {0};

	for (size_t i = 0; i < set->n_ranges; i++) {
		struct bmap_range rest = set->ranges[i];

		while (rest.n_blocks) {
			uint64_t n = MIN(rest.n_blocks, max_blocks);

			if (range_set_append(&parts, (struct bmap_range){rest.first_block, n}) <
			    0) {
				range_set_fini(&parts);
				return -ENOMEM;
			}
			rest.first_block += n;
			rest.n_blocks -= n;
		}
	}
	range_set_fini(set);
	*set = parts;
	return 0;
}

uint64_t range_set_n_beyond(const struct range_set *a, const struct range_set *b)
{
	uint64_t n = 0;
	size_t k = 0;

	for (size_t i = 0; i < a->n_ranges; i++) {
		uint64_t at = a->ranges[i].first_block, end = at + a->ranges[i].n_blocks;

		while (at < end) {
			const struct bmap_range *other = k < b->n_ranges ? &b->ranges[k] : NULL;

			if (!other || other->first_block >= end) {
				n += end - at;
				break;
			}
			if (other->first_block > at)
				n += other->first_block - at;
			at = MAX(at, other->first_block + other->n_blocks);
			if (at <= end)
				k++;
		}
	}
	return n;
}
