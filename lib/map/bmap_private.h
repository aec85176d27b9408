/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library does with maps and nobody else may. */
#ifndef MAP_BMAP_PRIVATE_H
#define MAP_BMAP_PRIVATE_H

#include "bmap/bmap.h"

static inline void bmap_freep(struct bmap **map)
{
	bmap_free(*map);
}

/* The version that the file named. */
void bmap_set_format_version(struct bmap *map, const char *version);

#endif
