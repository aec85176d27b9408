/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps: what is accepted keeps the promises of bmap/bmap.h, and writes and reads back. */
#include <stdlib.h>

#include "bmap/bmap.h"
#include "fuzz.h"

static void check(const struct bmap *map)
{
	uint64_t end = 0;

	for (size_t i = 0; i < bmap_n_ranges(map); i++) {
		struct bmap_range range = bmap_get_range(map, i, NULL, NULL);

		if (range.n_blocks == 0 || range.first_block < end ||
		    range.n_blocks > bmap_n_blocks(map) - range.first_block)
			abort();
		end = range.first_block + range.n_blocks;
	}
	if (bmap_mapped_bytes(map) > bmap_image_size_bytes(map))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bmap *map = NULL, *again = NULL;
	struct bmap_error err = {0};
	char *text = NULL;
	size_t len;
	int r = bmap_parse(&map, (const char *)data, size, "fuzz", &err);

	if (r < 0) {
		if (err.code != -r || !err.message[0] || map)
			abort();
		return 0;
	}
	check(map);
	if (bmap_format(map, &text, &len, &err) < 0 ||
	    bmap_parse(&again, text, len, "fuzz", &err) < 0 ||
	    bmap_n_mapped_blocks(again) != bmap_n_mapped_blocks(map))
		abort();
	free(text);
	bmap_free(again);
	bmap_free(map);
	return 0;
}
