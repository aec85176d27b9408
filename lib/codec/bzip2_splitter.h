/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the blocks of bzip2 data begin and end.
 *
 * Blocks have no lengths and begin at any bit: the only way is to look for the 48 bits that each
 * begins with.  The same bits can stand inside a block by chance (once in 35 TB), so what follows
 * must look like a block's tables as well.
 */
#ifndef CODEC_BZIP2_SPLITTER_H
#define CODEC_BZIP2_SPLITTER_H

#include "codec/decoder_ops.h"

#define BZIP2_BLOCK_MAGIC "\x31\x41\x59\x26\x53\x59" /* pi */
#define BZIP2_END_MAGIC   "\x17\x72\x45\x38\x50\x90" /* its square root */

extern const struct splitter_ops bzip2_splitter_ops;

#endif
