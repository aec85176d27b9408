/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard input, pipes and terminals: bytes in their order, once. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/source_ops.h"

struct source_stream {
	struct source base;
	int fd;
};

static ssize_t stream_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			    struct bmap_error *err)
{
	(void)offset_bytes;
	return source_read_fd(source, ((struct source_stream *)source)->fd, buf, len, err);
}

static void stream_close(struct source *source)
{
	close(((struct source_stream *)source)->fd);
	source_fini(source);
	free(source);
}

int source_open_stream(struct source **source, int fd, const char *name, struct bmap_error *err)
{
	static const struct source_ops ops = {.pread = stream_pread, .close = stream_close};
	CLEANUP_FREE struct source_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (source_init(&stream->base, &ops, name, err) < 0)
		return -err->code;
	stream->fd = fd;
	*source = &STEAL_PTR(stream)->base;
	return 0;
}
