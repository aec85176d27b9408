/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A piece index kept in a file, where finding the pieces took decoding all of them: of bzip2, and
 * of frames that do not say how long they are.
 *
 * The file is for the machine that made it, and for one content: a header (magic, codec, length of
 * the encoded file, number of pieces), then the pieces. Threads: any.
 */
#ifndef CODEC_PIECE_INDEX_FILE_H
#define CODEC_PIECE_INDEX_FILE_H

#include "codec/piece_index.h"

BMAP_MUST_CHECK int piece_index_write(const struct piece_index *index, const char *path,
				      const char *codec, uint64_t encoded_size,
				      struct bmap_error *err);

/*
 * Fills an empty index.  -ENOENT, -EPROTO or -EOVERFLOW (damaged), -EBADMSG (of another file or
 * codec).
 */
BMAP_MUST_CHECK int piece_index_read(struct piece_index *index, const char *path, const char *codec,
				     uint64_t encoded_size, struct bmap_error *err);

#endif
