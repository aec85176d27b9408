/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tar archives, fed in steps: the image's bytes come in their order, as many as its size says. */
#include <stdlib.h>

#include "base/checked.h"
#include "codec/archive_tar.h"
#include "fuzz.h"

#define STEP       1000
#define MAX_OUTPUT (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar_reader *tar = NULL;
	struct bmap_error err = {0};
	struct tar_span span;
	uint64_t position = 0;
	const char *name;
	size_t at = 0, map_len;
	int r = tar_reader_new(&tar, "fuzz", NULL, &err);

	if (r < 0)
		abort();
	while (r == 0 && at < size && position < MAX_OUTPUT) {
		const uint8_t *part = data + at;
		size_t len = MIN((size_t)STEP, size - at);

		at += len;
		while ((r = tar_reader_feed(tar, &part, &len, &span, &err)) == 1 &&
		       position < MAX_OUTPUT) {
			if (span.offset_bytes != position || span.len == 0 ||
			    position + span.len > tar_reader_image_size(tar))
				abort();
			position += span.len;
		}
	}
	if (r == 0)
		r = tar_reader_end(tar, &err);
	if (r == 0 && position < MAX_OUTPUT && position != tar_reader_image_size(tar))
		abort();
	if (r < 0 && (err.code != -r || !err.message[0]))
		abort();
	tar_reader_map(tar, &map_len, &name);
	tar_reader_free(tar);
	return 0;
}
