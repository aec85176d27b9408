/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A temporary file without a name that holds mapped blocks of an image, each where it lies in the
 * image.
 *
 * Threads: any, once it is open; two must not write the same bytes.
 */
#ifndef VIEW_MAPPED_FILE_H
#define VIEW_MAPPED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/bmap.h"

struct mapped_file {
	bool is_open;
	int fd;
	const char *folder;
	const struct bmap *map;
};

/* @folder and @map (NULL: all is mapped) are lent. */
BMAP_MUST_CHECK int mapped_file_open(struct mapped_file *file, const char *folder,
				     const struct bmap *map, struct bmap_error *err);

/* One that is not open (all zeros) is allowed. */
void mapped_file_close(struct mapped_file *file);

/* Writes those of the image's bytes at @offset_bytes that are mapped. */
BMAP_MUST_CHECK int mapped_file_write(const struct mapped_file *file, const uint8_t *data,
				      size_t len, uint64_t offset_bytes, struct bmap_error *err);

/* Reads bytes that were written; those of holes are zeros. */
BMAP_MUST_CHECK int mapped_file_read(const struct mapped_file *file, uint8_t *buf, size_t len,
				     uint64_t offset_bytes, struct bmap_error *err);

#endif
