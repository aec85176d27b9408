/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec of zip archives as they stream by: found by zip_matches(), not in the table of codecs.
 */
#ifndef CODEC_DECODER_ZIP_H
#define CODEC_DECODER_ZIP_H

struct codec;

extern const struct codec codec_zip;

#endif
