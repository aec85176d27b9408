/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codecs of this build: the only file that asks which libraries there are. */
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "codec/decoder_ops.h"

extern const struct codec codec_gzip, codec_xz;
#ifdef HAVE_ZSTD
extern const struct codec codec_zstd;
#endif
#ifdef HAVE_BZIP2
extern const struct codec codec_bzip2;
#endif
#ifdef HAVE_LZ4
extern const struct codec codec_lz4;
#endif
#ifdef HAVE_LZO
extern const struct codec codec_lzo;
#endif

static const struct codec *const codecs[] = {
	&codec_gzip,  &codec_xz,
#ifdef HAVE_ZSTD
	&codec_zstd,
#endif
#ifdef HAVE_BZIP2
	&codec_bzip2,
#endif
#ifdef HAVE_LZ4
	&codec_lz4,
#endif
#ifdef HAVE_LZO
	&codec_lzo,
#endif
};

/* Formats that must not be taken for an image when no codec above knows them. */
static const struct {
	const char *name, *magic;
	size_t len;
} known_formats[] = {
	{"zstd", "\x28\xb5\x2f\xfd", 4},
	{"bzip2", "BZh", 3},
	{"lz4", "\x04\x22\x4d\x18", 4},
	{"lz4 (legacy frame)", "\x02\x21\x4c\x18", 4},
	{"lzop", "\x89LZO\0\r\n\x1a\n", 9},
	{"compress (.Z)", "\x1f\x9d", 2},
	{"lzip", "LZIP\x01", 5},
	{"lzma (.lzma)", "\x5d\0\0", 3},
	{"7z", "7z\xbc\xaf\x27\x1c", 6},
};

int codec_find(const struct codec **codec, const uint8_t *head, size_t len, const char *name,
	       struct bmap_error *err)
{
	*codec = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		if (codecs[i]->matches(head, len)) {
			*codec = codecs[i];
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(known_formats); i++) {
		if (len >= known_formats[i].len &&
		    !memcmp(head, known_formats[i].magic, known_formats[i].len))
			return bmap_error_set(err, EOPNOTSUPP,
					      "'%s' is compressed as %s, which this build of "
					      "bmaptool cannot decode",
					      name, known_formats[i].name);
	}
	return 0;
}

const struct codec *codec_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		if (!strcmp(codecs[i]->name, name))
			return codecs[i];
	}
	return NULL;
}
