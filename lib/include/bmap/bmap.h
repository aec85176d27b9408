/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The block map: which blocks of an image matter, and their checksums.
 *
 * A map read from outside has been checked once, by bmap_parse(): its ranges are sorted and
 * disjoint, lie inside the image, and every byte offset fits into INT64_MAX.  So it is with a map
 * that was built by bmap_new() and bmap_add_range().
 *
 * Format: bmap(5), versions 1.0 to 2.0 are read, 2.0 is written.
 * Threads: a map that is not changed any more may be read by any number of threads.
 */
#ifndef BMAP_BMAP_H
#define BMAP_BMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmap/error.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

#define BMAP_MAX_DIGEST_LEN 64

struct bmap;

struct bmap_range {
	uint64_t first_block;
	uint64_t n_blocks;
};

/* The library's version, "4.0.0". */
BMAP_API const char *bmap_version(void);

/*
 * A map of an image of @image_size_bytes in which nothing is mapped yet.  @checksum_type is a
 * name as in the file's ChecksumType ("sha256", "md5", "sha3_256"...); NULL for a map without
 * checksums.  -EINVAL (a block size of 0), -EOVERFLOW, -EOPNOTSUPP (unknown checksum).
 */
BMAP_API BMAP_MUST_CHECK int bmap_new(struct bmap **map, uint64_t image_size_bytes,
				      uint64_t block_size_bytes, const char *checksum_type,
				      struct bmap_error *err);

/*
 * Adds the range behind those that are there; @digest (of the type's length) may be NULL.
 * -EINVAL: it overlaps or precedes the last range, or lies outside the image.
 */
BMAP_API BMAP_MUST_CHECK int bmap_add_range(struct bmap *map, uint64_t first_block,
					    uint64_t n_blocks, const uint8_t *digest,
					    struct bmap_error *err);

/* NULL is allowed. */
BMAP_API void bmap_free(struct bmap *map);

BMAP_API uint64_t bmap_image_size_bytes(const struct bmap *map);
BMAP_API uint64_t bmap_block_size_bytes(const struct bmap *map);
BMAP_API uint64_t bmap_n_blocks(const struct bmap *map);
BMAP_API uint64_t bmap_n_mapped_blocks(const struct bmap *map);

/* Bytes in mapped blocks; less than blocks x size when the last block is mapped and partial. */
BMAP_API uint64_t bmap_mapped_bytes(const struct bmap *map);

/* "2.0": what the file said, or what would be written. */
BMAP_API const char *bmap_format_version(const struct bmap *map);

/* The name as the file had it; NULL when the map carries no checksums. */
BMAP_API const char *bmap_checksum_type(const struct bmap *map);

BMAP_API size_t bmap_n_ranges(const struct bmap *map);

/*
 * The range @index (< bmap_n_ranges()).  *@digest (NULL when the range has none) is valid as
 * long as the map, *@digest_len bytes; both pointers may be NULL.
 */
BMAP_API struct bmap_range bmap_get_range(const struct bmap *map, size_t index,
					  const uint8_t **digest, size_t *digest_len);

/* Has every range a checksum? */
BMAP_API bool bmap_is_verifiable(const struct bmap *map);

/* The index of the first range that ends behind @block; bmap_n_ranges() when there is none. */
BMAP_API size_t bmap_find_range(const struct bmap *map, uint64_t block);

/*
 * Parses the text of a map; @name is what error sentences call it.  The checksum of the file is
 * verified when the format has one.  -EPROTO (not a map, or one that contradicts itself), -EBADMSG
 * (the file's checksum is wrong), -EOPNOTSUPP (a format or checksum from the future), -EOVERFLOW.
 * Entities, document types and external references are refused, nothing else is ever opened.
 */
BMAP_API BMAP_MUST_CHECK int bmap_parse(struct bmap **map, const char *text, size_t len,
					const char *name, struct bmap_error *err);

/* Formats the map as a 2.0 file.  The caller frees *@text. */
BMAP_API BMAP_MUST_CHECK int bmap_format(const struct bmap *map, char **text, size_t *len,
					 struct bmap_error *err);

BMAP_END_DECLS

#endif
