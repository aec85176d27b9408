/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which blocks of a local file its filesystem stores.
 *
 * FIEMAP first (Linux, filesystems/fiemap.rst), with FIEMAP_FLAG_SYNC: extents that are unwritten
 * or delayed count as mapped, since a program asked for them.  Then SEEK_DATA and SEEK_HOLE
 * (lseek(2)). Extents are rounded outwards to whole blocks. Threads: any.
 */
#ifndef IMAGE_IMAGE_HOLES_H
#define IMAGE_IMAGE_HOLES_H

#include "map/range_set.h"

/* The block size of the file's filesystem: FIGETBSZ, else st_blksize. */
BMAP_MUST_CHECK int image_block_size(int fd, const char *name, uint64_t *block_size_bytes,
				     struct bmap_error *err);

/*
 * Adds the stored blocks of @fd, @size_bytes long, to @mapped in ascending order.  Where nothing
 * tells holes from data all blocks are mapped, with a warning that names the filesystem.
 */
BMAP_MUST_CHECK int image_holes_read(int fd, const char *name, uint64_t size_bytes,
				     uint64_t block_size_bytes, struct range_set *mapped,
				     struct bmap_error *err);

/*
 * The same by SEEK_DATA alone and without a word: what holds data now, for a copy that need not
 * write zeros to a file that is empty.  -EOPNOTSUPP: this filesystem cannot tell.
 */
BMAP_MUST_CHECK int image_holes_seek(int fd, uint64_t size_bytes, uint64_t block_size_bytes,
				     struct range_set *mapped);

/* Does this filesystem (statfs f_type) turn blocks of zeros into holes by itself? */
const char *image_holes_zero_eater(uint64_t filesystem_type);

#endif
