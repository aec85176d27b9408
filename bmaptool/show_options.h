/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of the commands that show something.  Threads: one. */
#ifndef BMAPTOOL_SHOW_OPTIONS_H
#define BMAPTOOL_SHOW_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct show_options {
	bool ranges, json;
	const char *svg; /* NULL: no picture */
};

enum { SHOW_RANGES, SHOW_JSON, SHOW_SVG };

/* The rows of their tables. */
#define SHOW_OPTION_ROWS(ranges_help) \
	[SHOW_RANGES] = {"ranges", 0, NULL, NULL, ranges_help}, \
	[SHOW_JSON] = {"json", 0, NULL, NULL, "print JSON"}, \
	[SHOW_SVG] = {"svg", 0, "FILE", NULL, "write a picture to this file"}

/* A cli_option_taker of struct show_options. */
int show_options_take(void *opaque, size_t option, const char *value);

#endif
