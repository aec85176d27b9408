/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view: an image, local or remote, raw or compressed, as a sparse file that can be read anywhere.
 * Its holes are those of its map, what is read of it is verified, and nothing is fetched or decoded
 * that nobody reads.
 *
 * Where the pieces of the image are known (bmaptool(1), "index") a read decodes only what it needs.
 * Where they are not, the image is decoded forwards, as far as reads need it, into a temporary file
 * of its mapped blocks.
 *
 * Threads: any number may read one view.
 */
#ifndef BMAP_VIEW_H
#define BMAP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bmap/bmap.h>
#include <bmap/error.h>
#include <bmap/image.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

struct bmap_view;

enum bmap_verify {
	/*
	 * A range of the map is verified before a byte of it is handed out, when it is not larger
	 * than the window.  Larger ones are verified once they have been read to their end, and
	 * cannot be read any more when that fails.
	 */
	BMAP_VERIFY_WINDOW,
	BMAP_VERIFY_STRICT, /* every range, before a byte of it is handed out */
	BMAP_VERIFY_OFF,
};

#define BMAP_DEFAULT_VIEW_MEMORY   (UINT64_C(64) << 20)
#define BMAP_DEFAULT_VERIFY_WINDOW (UINT64_C(64) << 20)
#define BMAP_DEFAULT_INDEX_STEP    (UINT64_C(4) << 20)
#define BMAP_MIN_INDEX_STEP        (UINT64_C(64) << 10)

struct bmap_view_options {
	const char *member;       /* as in struct bmap_image_options */
	unsigned int n_retries;   /* new tries of a remote transfer that broke */
	unsigned int timeout_sec; /* of silence, after which it broke; 0: 30 */
	unsigned int n_threads;   /* that decode in advance; 0: as many as there are processors */
	uint64_t memory_bytes;    /* of decoded pieces; 0: BMAP_DEFAULT_VIEW_MEMORY */
	enum bmap_verify verify;
	uint64_t verify_window_bytes; /* 0: BMAP_DEFAULT_VERIFY_WINDOW */
	uint64_t index_step_bytes;    /* between checkpoints; 0: BMAP_DEFAULT_INDEX_STEP */
	const char *temporary_folder; /* NULL: the cache_folder, $TMPDIR, or /var/tmp */
	const char *index_folder;     /* where indexes that were made are kept; NULL: nowhere */
	const char
		*cache_folder; /* where encoded bytes that were fetched are kept; NULL: nowhere */
	uint64_t cache_bytes;  /* at most; 0: no limit */
};

/*
 * Opens @location.  @map (NULL: all is mapped; lent as long as the view) must be of this image.  An
 * image of unknown size without a map is decoded to its end here.  As bmap_image_open(); -EBADMSG:
 * image and map do not belong together; -EINVAL: strict verification without checksums.
 */
BMAP_API BMAP_MUST_CHECK int bmap_view_open(struct bmap_view **view, const char *location,
					    const struct bmap *map,
					    const struct bmap_view_options *options,
					    struct bmap_error *err);

/* Nobody reads any more.  NULL is allowed. */
BMAP_API void bmap_view_close(struct bmap_view *view);

/* Makes all reads that wait, and all later ones, fail with -ECANCELED. */
BMAP_API void bmap_view_cancel(struct bmap_view *view);

/* The location without a password. */
BMAP_API const char *bmap_view_name(const struct bmap_view *view);

/* The name of the image as a file: no folder, no suffix of a compression.  The caller frees it. */
BMAP_API BMAP_MUST_CHECK int bmap_view_file_name(const struct bmap_view *view, char **name,
						 struct bmap_error *err);
BMAP_API uint64_t bmap_view_size(const struct bmap_view *view);
BMAP_API uint64_t bmap_view_mapped_bytes(const struct bmap_view *view);

/* When the source was last changed, in seconds since 1970; 0: nobody says. */
BMAP_API int64_t bmap_view_mtime(const struct bmap_view *view);

/* Must the image still be decoded forwards before it can be read anywhere? */
BMAP_API bool bmap_view_is_forward(const struct bmap_view *view);

/*
 * Reads @len bytes at @offset_bytes; fewer only at the end.  Holes are zeros.  Returns the count.
 * -EBADMSG (will not decode, or has another checksum than in the map; or the image changed), -EIO,
 * -EPROTO, -ENODATA (the source does not hold what it should), -ECANCELED.
 */
BMAP_API BMAP_MUST_CHECK ssize_t bmap_view_pread(struct bmap_view *view, void *buf, size_t len,
						 uint64_t offset_bytes, struct bmap_error *err);

/*
 * The first byte at or behind @offset_bytes that lies in data, or in a hole (the end of the image
 * is one), in whole blocks of the map.  false: there is none, or the offset lies behind the end.
 */
BMAP_API bool bmap_view_find_data(const struct bmap_view *view, uint64_t offset_bytes,
				  uint64_t *data_bytes);
BMAP_API bool bmap_view_find_hole(const struct bmap_view *view, uint64_t offset_bytes,
				  uint64_t *hole_bytes);

struct bmap_view_statistics {
	const char *codec;      /* "raw", "xz"...; as long as the view */
	uint64_t n_pieces;      /* that the index knows; 0: the image is decoded forwards */
	uint64_t fetched_bytes; /* encoded bytes that came from the source */
	uint64_t decoded_bytes;
	uint64_t cache_hits; /* pieces that were there when they were wanted */
	uint64_t verified_ranges;
};

BMAP_API void bmap_view_get_statistics(struct bmap_view *view,
				       struct bmap_view_statistics *statistics);

/*
 * Decodes a gzip image once and writes the index of its checkpoints (GZIDX, as indexed_gzip reads
 * it) to @path.  With @map (may be NULL) only where something is mapped.  -EOPNOTSUPP: of this
 * format an index is not needed, or cannot be made; the sentence says which.
 */
BMAP_API BMAP_MUST_CHECK int bmap_index_write(const char *location, const struct bmap *map,
					      const struct bmap_view_options *options,
					      const char *path, struct bmap_error *err);

BMAP_END_DECLS

#endif
