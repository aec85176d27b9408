/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing list of block ranges, to be brought into order: what a set of mapped blocks is made
 * from when its parts come from several places.
 *
 * Threads: one.
 */
#ifndef MAP_RANGE_SET_H
#define MAP_RANGE_SET_H

#include <stddef.h>
#include <stdint.h>

#include "bmap/bmap.h"

struct range_set {
	struct bmap_range *ranges;
	size_t n_ranges, capacity;
};

void range_set_fini(struct range_set *set);

/* Adds a range (n_blocks 0 is nothing), joined to the last one when it begins at its end. -ENOMEM.
 */
BMAP_MUST_CHECK int range_set_add(struct range_set *set, uint64_t first_block, uint64_t n_blocks);

/* Adds a range as one of its own, also when it touches the last. -ENOMEM. */
BMAP_MUST_CHECK int range_set_append(struct range_set *set, struct bmap_range range);

/* Sorts the ranges and joins those that overlap or touch. */
void range_set_normalize(struct range_set *set);

/* Cuts the ranges into pieces of at most @max_blocks blocks. -ENOMEM. */
BMAP_MUST_CHECK int range_set_split(struct range_set *set, uint64_t max_blocks);

/* How many blocks of @a are not in @b; both are sorted, and their ranges do not overlap. */
uint64_t range_set_n_beyond(const struct range_set *a, const struct range_set *b);

#endif
