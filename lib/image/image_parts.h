/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the jobs know of an image beyond bmap/image.h: where its bytes come from.
 *
 * Threads: as bmap/image.h.
 */
#ifndef IMAGE_IMAGE_PARTS_H
#define IMAGE_IMAGE_PARTS_H

#include "bmap/image.h"
#include "codec/decoder.h"
#include "source/source.h"

/* As bmap_image_open(), with the options of the source given apart. */
BMAP_MUST_CHECK int image_open(struct bmap_image **image, const char *location,
			       const struct bmap_image_options *options,
			       const struct source_options *source_options, struct bmap_error *err);

/* Does it lie in an archive? */
bool image_is_member(const struct bmap_image *image);

/* Is it gzip, and lies in no archive?  Then there are checkpoints of it (codec/gzip_index.h). */
bool image_is_gzip(const struct bmap_image *image);

/* -EBADMSG: an image of @size_bytes is not the one that @map (NULL: there is none) is of. */
BMAP_MUST_CHECK int image_check_size(const struct bmap_image *image, uint64_t size_bytes,
				     const struct bmap *map, struct bmap_error *err);

/* Its name in the archive; NULL: it lies in none, or the name is not known yet.  Lent. */
const char *image_member_name(const struct bmap_image *image);

/* LOCATION with a suffix behind its name, before the query of a URL; NULL when out of memory. */
char *image_location_beside(const char *location, const char *suffix);

/* The encoded bytes; lent. */
struct source *image_source(const struct bmap_image *image);

/* NULL: they are the image, or the tar archive around it. */
const struct codec *image_codec(const struct bmap_image *image);

bool image_is_tar(const struct bmap_image *image);

/* Of an archive around the image. */
const struct archive_choice *image_choice(const struct bmap_image *image);

const struct bmap_image_options *image_options(const struct bmap_image *image);

/*
 * The first @len bytes of the image (fewer when it is shorter), without using up a source that can
 * only be read forwards.  Not for images in a compressed archive (-EOPNOTSUPP).
 */
BMAP_MUST_CHECK ssize_t image_read_head(struct bmap_image *image, uint8_t *buf, size_t len,
					struct bmap_error *err);

/* Reads a whole stream of @codec (NULL: raw) from @source, at most @max_len bytes; caller frees. */
BMAP_MUST_CHECK int image_decode_whole(struct source *source, const struct codec *codec,
				       size_t max_len, char **text, size_t *len,
				       struct bmap_error *err);

/* The options with defaults filled in. */
struct source_options image_source_options(const struct bmap_image_options *options);

/* What a decoder may use for its window: enough for xz -9 and zstd --ultra -22. */
uint64_t image_decoder_memory(const struct bmap_image_options *options);

#endif
