/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checkpoints of a gzip file, made while it is decoded, and their file: GZIDX, version 1, the
 * format of indexed_gzip.
 *
 * GZIDX, all numbers little-endian: "GZIDX", version (1 byte), flags (1, zero), compressed size
 * (8), uncompressed size (8; 0 when not known), spacing (4), window size (4, 32768), number of
 * points (4); for each point: compressed offset (8), uncompressed offset (8), bits (1), has a
 * window (1; not in version 0, where all but the first have one); then the windows.
 * zran_export_index() of indexed_gzip's zran.c is its definition.
 *
 * Memory: the windows lie in a file mapped into memory, or in an unnamed temporary file.
 * Threads: one while it is made; constant afterwards.
 */
#ifndef CODEC_GZIP_INDEX_H
#define CODEC_GZIP_INDEX_H

#include "bmap/bmap.h"
#include "codec/gzip_stream.h"
#include "codec/piece_index.h"

struct gzip_index;

/*
 * An empty index that takes a point each @step_bytes of the image.  With a @map (NULL: none; lent)
 * a hole has one point, at its end.  The windows lie in @folder until the
 * index is written.
 */
BMAP_MUST_CHECK int gzip_index_new(struct gzip_index **index, uint64_t step_bytes,
				   const struct bmap *map, const char *folder,
				   struct bmap_error *err);

/*
 * Takes @fd, a GZIDX file of @name.  It must be of a gzip file of @encoded_size bytes, whose image
 * has @image_size_bytes (PIECE_LEN_UNKNOWN: it is not known).  -EPROTO (damaged), -EBADMSG (of
 * another file).
 */
BMAP_MUST_CHECK int gzip_index_open(struct gzip_index **index, int fd, const char *name,
				    uint64_t encoded_size, uint64_t image_size_bytes,
				    struct bmap_error *err);

void gzip_index_free(struct gzip_index *index);
static inline void gzip_index_freep(struct gzip_index **index)
{
	gzip_index_free(*index);
}

size_t gzip_index_n_points(const struct gzip_index *index);

/* Adds the points of @from, which was opened, to an index that is empty. */
BMAP_MUST_CHECK int gzip_index_copy(struct gzip_index *index, const struct gzip_index *from,
				    struct bmap_error *err);

/* A gzip_border_taker that adds a point where one is wanted. */
struct gzip_index_maker {
	struct gzip_index *index;
	struct gzip_stream *stream;
};
int gzip_index_take_border(void *opaque, const struct gzip_border *border, struct bmap_error *err);

/*
 * Writes the index to @path, in one step.  @image_size_bytes is 0 when only the beginning of the
 * file was decoded.
 */
BMAP_MUST_CHECK int gzip_index_write(const struct gzip_index *index, const char *path,
				     uint64_t encoded_size, uint64_t image_size_bytes,
				     struct bmap_error *err);

/*
 * Adds the pieces between the points of an index that was opened.  Those of an index that knows the
 * size of the image reach to its end, else to the last point; from there on @rest says how to go
 * on.  The pieces' windows live as long as the index.
 */
BMAP_MUST_CHECK int gzip_index_pieces(const struct gzip_index *index, struct piece_index *pieces,
				      struct piece *rest, struct bmap_error *err);

#endif
