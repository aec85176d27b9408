/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mapped parts of a stretch of an image.  Threads: any. */
#ifndef MAP_SLICE_H
#define MAP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/bmap.h"

struct slice {
	uint64_t first_bytes; /* in the image */
	size_t len;
	size_t range; /* of the map */
	uint64_t range_first_bytes, range_end_bytes;
};

/*
 * The next mapped part of the image's bytes [offset, offset + len) behind *@slice; begin with a
 * slice of zeros.  @map NULL: all is mapped.  false: there is none.
 */
bool slice_next(const struct bmap *map, uint64_t offset_bytes, size_t len, struct slice *slice);

#endif
