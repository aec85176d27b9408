/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk image, wherever it lies and however it is packed, and what lies beside it.
 *
 * Locations are paths, "-" (standard input) or URLs: http, https, ftp, sftp, scp, ssh, file.
 * The codec is found by content: raw, gzip, xz, zstd, bzip2, lz4, lzop, around it tar or zip.
 *
 * Threads: an image or document belongs to one thread at a time.
 */
#ifndef BMAP_IMAGE_H
#define BMAP_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bmap/bmap.h>
#include <bmap/error.h>
#include <bmap/macros.h>

BMAP_BEGIN_DECLS

struct bmap_image;

struct bmap_image_options {
	const char *member;     /* the image's name inside an archive; NULL: the only one */
	unsigned int n_retries; /* new tries of a remote transfer that broke */
	bool is_verified;       /* all that matters of it will be compared with checksums */
	unsigned int n_threads; /* that decode; 0: as many as there are processors */
	uint64_t memory_bytes;  /* for what is in flight; 0: BMAP_DEFAULT_MEMORY */
};

#define BMAP_DEFAULT_RETRIES 5
#define BMAP_DEFAULT_MEMORY  (UINT64_C(48) << 20)
#define BMAP_MIN_MEMORY      (UINT64_C(8) << 20)

/*
 * Opens an image; a remote one is asked for with one request.  -ENOENT, -EACCES, -EOPNOTSUPP
 * (packed in a way that this build cannot unpack), -EPROTO.
 */
BMAP_API BMAP_MUST_CHECK int bmap_image_open(struct bmap_image **image, const char *location,
					     const struct bmap_image_options *options,
					     struct bmap_error *err);

/* NULL is allowed. */
BMAP_API void bmap_image_close(struct bmap_image *image);

/* The location without a password. */
BMAP_API const char *bmap_image_name(const struct bmap_image *image);

/* The size when it is known before everything is decoded. */
BMAP_API bool bmap_image_size(const struct bmap_image *image, uint64_t *size_bytes);

/* Is the image the very bytes of its source: neither compressed nor in an archive? */
BMAP_API bool bmap_image_is_raw(const struct bmap_image *image);

/* Do the image's bytes come from this file or device? */
BMAP_API bool bmap_image_is_same_file(const struct bmap_image *image, const char *path);

/*
 * Is there one image in the archive that it lies in?  A local archive is decoded to its end to see:
 * a copy without a map would notice a second image only after writing the first.  -EPROTO.
 */
BMAP_API BMAP_MUST_CHECK int bmap_image_check_archive(struct bmap_image *image,
						      struct bmap_error *err);

struct bmap_partition {
	unsigned int number; /* 1 is the first */
	uint64_t first_bytes, len_bytes;
	char name[128]; /* of a GPT; "": it has none */
};

/*
 * The partitions that the image's table names; none without a table, or when the library is built
 * without libblkid.  Of an image that can only be read forwards the table must lie in its first
 * MiB. The caller frees *@partitions.
 */
BMAP_API BMAP_MUST_CHECK int bmap_image_partitions(struct bmap_image *image,
						   struct bmap_partition **partitions,
						   size_t *n_partitions, struct bmap_error *err);

/* Is @location something other than a local file? */
BMAP_API bool bmap_location_is_remote(const char *location);

/* A small text: a map, a signature. */
struct bmap_document {
	char *location; /* where it was found; "": inside an archive */
	char *name;     /* the same without a password: fit to be shown */
	char *text;
	size_t len;
};

/* No document may be larger than this. */
#define BMAP_MAX_DOCUMENT_LEN (64 << 20)

/* Reads a document, compressed or not.  -ENOENT, -EACCES, -EFBIG. */
BMAP_API BMAP_MUST_CHECK int bmap_document_read(struct bmap_document **document,
						const char *location,
						const struct bmap_image_options *options,
						struct bmap_error *err);

/* A document from memory; all is copied. */
BMAP_API BMAP_MUST_CHECK int bmap_document_new(struct bmap_document **document,
					       const char *location, const char *name,
					       const char *text, size_t len,
					       struct bmap_error *err);

/* NULL is allowed. */
BMAP_API void bmap_document_free(struct bmap_document *document);

/*
 * Looks for the map beside an image: IMAGE.bmap, then with one suffix of the name less each time;
 * in a URL the suffixes are those of its path.  *@document NULL: there is none.
 */
BMAP_API BMAP_MUST_CHECK int bmap_find_map(struct bmap_document **document,
					   const char *image_location,
					   const struct bmap_image_options *options,
					   struct bmap_error *err);

/* Looks for MAP.asc, then MAP.sig.  *@document NULL: there is none. */
BMAP_API BMAP_MUST_CHECK int bmap_find_signature(struct bmap_document **document,
						 const char *map_location,
						 const struct bmap_image_options *options,
						 struct bmap_error *err);

/*
 * Looks for a map in the archive in which the image lies: MEMBER.bmap or .meta/image.bmap.
 * *@document NULL: there is none, or the archive can only be read once.
 */
BMAP_API BMAP_MUST_CHECK int bmap_find_map_inside(struct bmap_document **document,
						  struct bmap_image *image, struct bmap_error *err);

BMAP_END_DECLS

#endif
