/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reader of maps may do to a map that nobody else may. */
#ifndef MAP_BMAP_PRIVATE_H
#define MAP_BMAP_PRIVATE_H

#include "bmap/bmap.h"

/* The version that the file named. */
void bmap_set_format_version(struct bmap *map, const char *version);

#endif
