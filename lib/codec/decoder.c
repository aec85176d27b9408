/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "codec/decoder_ops.h"

const char *codec_name(const struct codec *codec)
{
	return codec->name;
}

int decoder_new(struct decoder **decoder_out, const struct codec *codec, uint64_t max_memory_bytes,
		struct bmap_error *err)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return bmap_error_set(err, ENOMEM, "out of memory");
	decoder->codec = codec;
	decoder->max_memory_bytes = max_memory_bytes;
	*decoder_out = decoder;
	return 0;
}

void decoder_free(struct decoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->state)
		decoder->codec->stop(decoder);
	free(decoder);
}

void decoder_freep(struct decoder **decoder)
{
	decoder_free(*decoder);
}

void decoder_choose(struct decoder *decoder, const struct archive_choice *choice)
{
	decoder->choice = *choice;
}

int decoder_start(struct decoder *decoder, const struct piece *piece, struct bmap_error *err)
{
	decoder->piece = piece && !piece->is_rest ? piece : NULL;
	decoder->n_members = 0;
	decoder->member_out_bytes = 0;
	decoder->is_between_members = false;
	return decoder->codec->start(decoder, err);
}

/* What follows the last member and is not another one. */
static int garbage_behind(const struct decoder *decoder, struct bmap_error *err)
{
	err->code = 0;
	return bmap_error_set(err, EBADMSG, "the %s data is followed by something else",
			      decoder->codec->name);
}

static int decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	size_t out_left = io->out_left;
	int r = decoder->codec->decode(decoder, io, err);

	decoder->member_out_bytes += out_left - io->out_left;
	/* A later member that fails before its first byte is not a member. */
	if (r < 0 && r != -ENOMEM && decoder->n_members > 0 && decoder->member_out_bytes == 0)
		return garbage_behind(decoder, err);
	return r;
}

/* A member is whole: another one may follow in a stream, nothing may follow a piece. */
static int next_member(struct decoder *decoder, const struct decoder_io *io, struct bmap_error *err)
{
	if (io->in_left == 0)
		return io->in_end;
	if (decoder->piece)
		return garbage_behind(decoder, err);
	decoder->is_between_members = false;
	decoder->member_out_bytes = 0;
	return decoder->codec->start(decoder, err);
}

int decoder_run(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	for (;;) {
		size_t in_left = io->in_left, out_left = io->out_left;
		int r;

		if (decoder->is_between_members) {
			r = next_member(decoder, io, err);
			if (r != 0 || decoder->is_between_members)
				return r;
		}
		r = decode(decoder, io, err);
		if (r < 0)
			return r;
		if (r == DECODE_MEMBER_END) {
			decoder->n_members++;
			decoder->is_between_members = true;
			continue;
		}
		if (io->out_left == 0 || (io->in_left == 0 && !io->in_end))
			return 0;
		if (io->in_left != in_left || io->out_left != out_left)
			continue;
		if (decoder->n_members > 0 && decoder->member_out_bytes == 0)
			return garbage_behind(decoder, err);
		return bmap_error_set(err, io->in_left ? EBADMSG : ENODATA, "the %s data %s",
				      decoder->codec->name,
				      io->in_left ? "is damaged" : "ends early");
	}
}
