/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stretch of another source: a decorator of the same vtable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "source/source_ops.h"

struct source_slice {
	struct source base;
	struct source *whole;
	uint64_t offset_bytes;
};

static ssize_t slice_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			   struct bmap_error *err)
{
	struct source_slice *slice = (struct source_slice *)source;

	if (offset_bytes >= source->size_bytes)
		return 0;
	len = MIN(len, source->size_bytes - offset_bytes);
	if (source->expected_end_bytes)
		source_expect(slice->whole, slice->offset_bytes + source->expected_end_bytes);
	return source_pread(slice->whole, buf, len, slice->offset_bytes + offset_bytes, err);
}

static void slice_close(struct source *source)
{
	struct source_slice *slice = (struct source_slice *)source;

	source_close(slice->whole);
	source_fini(source);
	free(slice);
}

static int slice_clone(struct source **clone, const struct source *source, struct bmap_error *err)
{
	const struct source_slice *slice = (const struct source_slice *)source;
	struct source *whole;

	if (source_clone(&whole, slice->whole, err) < 0)
		return -err->code;
	return source_open_slice(clone, whole, slice->offset_bytes, source->size_bytes, err);
}

int source_open_slice(struct source **source, struct source *whole, uint64_t offset_bytes,
		      uint64_t len_bytes, struct bmap_error *err)
{
	static const struct source_ops ops = {
		.pread = slice_pread,
		.close = slice_close,
		.clone = slice_clone,
	};
	struct source_slice *slice = calloc(1, sizeof(*slice));

	if (!slice || source_init_clone(&slice->base, whole, err) < 0) {
		free(slice);
		source_close(whole);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	slice->whole = whole;
	slice->offset_bytes = offset_bytes;
	slice->base.ops = &ops;
	slice->base.seekable = slice->base.has_size = true;
	slice->base.size_bytes = len_bytes;
	slice->base.local_fd = whole->local_fd;
	slice->base.local_offset_bytes = whole->local_offset_bytes + offset_bytes;
	*source = &slice->base;
	return 0;
}
