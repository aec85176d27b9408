/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tells the content of one view from that of another.  Threads: any. */
#ifndef VIEW_VIEW_IDENTITY_H
#define VIEW_VIEW_IDENTITY_H

#include "bmap/view.h"

/*
 * A line of text: of a map with all checksums what it says, wherever the image lies; else what the
 * source says of itself.  The caller frees it; NULL when out of memory.
 */
char *view_identity(const struct bmap_view *view);

#endif
