/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "codec/decoder_ops.h"
#include "codec/splitter.h"

struct splitter {
	const struct codec *codec;
	bool in_rest; /* a piece that goes on to the end has begun */
	max_align_t state[];
};

int splitter_new(struct splitter **splitter_out, const struct codec *codec, struct bmap_error *err)
{
	size_t state_size = codec->splitter ? codec->splitter->state_size : 0;
	struct splitter *splitter = calloc(1, sizeof(*splitter) + state_size);

	if (!splitter)
		return bmap_error_set(err, ENOMEM, "out of memory");
	splitter->codec = codec;
	*splitter_out = splitter;
	return 0;
}

void splitter_free(struct splitter *splitter)
{
	if (!splitter)
		return;
	if (splitter->codec->splitter && splitter->codec->splitter->stop)
		splitter->codec->splitter->stop(splitter->state);
	free(splitter);
}

int splitter_next(struct splitter *splitter, const uint8_t *in, size_t len, bool end,
		  struct split *split, struct bmap_error *err)
{
	int r = 0;

	*split = (struct split){0};
	if (splitter->codec->splitter && !splitter->in_rest)
		r = splitter->codec->splitter->split(splitter->state, in, len, end, split, err);
	else if (!splitter->in_rest)
		*split = (struct split){
			.begins = true,
			.piece = {.is_rest = true, .image_len_bytes = PIECE_LEN_UNKNOWN},
			.n_bytes = len,
			.n_used = len,
		};
	else
		split->n_bytes = split->n_used = len;
	if (split->begins && split->piece.is_rest)
		splitter->in_rest = true;
	return r;
}
