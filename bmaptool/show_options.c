/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show_options.h"

int show_options_take(void *opaque, size_t option, const char *value)
{
	struct show_options *options = opaque;

	switch (option) {
	case SHOW_RANGES:
		options->ranges = true;
		return 0;
	case SHOW_JSON:
		options->json = true;
		return 0;
	default:
		options->svg = value;
		return 0;
	}
}
