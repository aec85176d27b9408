/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gzip (RFC 1952): members behind each other, each with its CRC-32 and length. */
#include <errno.h>

#include "codec/decoder_ops.h"
#include "codec/inflater.h"

static bool gzip_matches(const uint8_t *head, size_t len)
{
	return len >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
}

static int gzip_start(struct decoder *decoder, struct bmap_error *err)
{
	if (decoder->state) {
		inflater_reset(decoder->state);
		return 0;
	}
	decoder->state = inflater_new(true);
	return decoder->state ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

static int gzip_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	return inflater_run(decoder->state, io, err);
}

static void gzip_stop(struct decoder *decoder)
{
	inflater_free(decoder->state);
}

const struct codec codec_gzip = {
	.name = "gzip",
	.matches = gzip_matches,
	.start = gzip_start,
	.decode = gzip_decode,
	.stop = gzip_stop,
};
