/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What archives of images have in common: which of their members is the image.
 *
 * An archive holds one image when all other members are things that lie beside images: maps,
 * signatures, checksums, texts, and what Etcher keeps in .meta/.
 * Threads: any.
 */
#ifndef CODEC_ARCHIVE_H
#define CODEC_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"

/* A map inside an archive may not be larger than this. */
#define ARCHIVE_MAX_MAP_LEN (16 << 20)
#define ARCHIVE_MAX_NAME    1024

/* Is the regular file @name something that lies beside images? */
bool archive_is_side_file(const char *name);

/* Is @name the one that the user asked for: the same name, or the same last part of it? */
bool archive_is_member(const char *name, const char *wanted);

/* Is @name the map of @image: IMAGE.bmap, or .meta/image.bmap as Etcher has it? */
bool archive_is_map_of(const char *name, const char *image);

/* The sentences for none and for several images in @archive.  -EPROTO. */
int archive_no_image(const char *archive, const char *wanted, struct bmap_error *err);
int archive_two_images(const char *archive, const char *first, const char *second,
		       struct bmap_error *err);

#endif
