/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of an image: what its parts are, as a bar in the terminal or an SVG file.
 *
 * Threads: one.
 */
#ifndef BMAPTOOL_PICTURE_H
#define BMAPTOOL_PICTURE_H

#include <stdint.h>
#include <stdio.h>

#include "bmap/image.h"

#define PICTURE_MAX_KINDS 6

/* What a part can be; the first kind is what is in no span. */
struct picture_kind {
	const char *label;
	char glyph;
	const char *terminal_color; /* "32": an SGR number */
	const char *svg_color;
};

struct picture_span {
	uint64_t first_bytes, end_bytes;
	unsigned int kind;
};

struct picture {
	const char *title;
	uint64_t size_bytes;
	const struct picture_kind *kinds;
	size_t n_kinds;
	struct picture_span *spans; /* in order */
	size_t n_spans, capacity;
	const struct bmap_partition *partitions; /* lent */
	size_t n_partitions;
};

/* Adds a span behind the last one.  -ENOMEM. */
int picture_add(struct picture *picture, uint64_t first_bytes, uint64_t end_bytes,
		unsigned int kind);
void picture_fini(struct picture *picture);

/* Rows of characters, in colors where @out is a terminal, and what they mean. */
void picture_print_bar(const struct picture *picture, FILE *out);

/* Replaces the file @path. */
BMAP_MUST_CHECK int picture_write_svg(const struct picture *picture, const char *path,
				      struct bmap_error *err);

#endif
