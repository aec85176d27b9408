/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar archives (POSIX pax and ustar, GNU, v7; the sparse formats of GNU tar) around an image, read
 * as they stream by.
 *
 * Threads: one.
 */
#ifndef CODEC_ARCHIVE_TAR_H
#define CODEC_ARCHIVE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"

struct tar_reader;

/* Bytes of the image; holes of a sparse member come as zeros. */
struct tar_span {
	const uint8_t *data; /* in the caller's bytes, or zeros that live as long as the reader */
	size_t len;
	uint64_t offset_bytes;
	bool is_zeros;
};

#define TAR_BLOCK_LEN 512

/*
 * Are these 512 bytes the header of a tar archive?  Without the ustar magic (v7) only when the
 * archive's name says tar.
 */
bool tar_matches(const uint8_t *head, size_t len, bool named_tar);

/* @member: the member that is the image; NULL: the only one that can be.  @name: of the archive. */
BMAP_MUST_CHECK int tar_reader_new(struct tar_reader **tar, const char *name, const char *member,
				   struct bmap_error *err);
void tar_reader_free(struct tar_reader *tar);

/*
 * Takes bytes from *@data on, which moves.  Returns 1 with a span of the image, 0 when all bytes
 * are used up.  Call it with no bytes as well: holes need none.
 */
BMAP_MUST_CHECK int tar_reader_feed(struct tar_reader *tar, const uint8_t **data, size_t *len,
				    struct tar_span *span, struct bmap_error *err);

/* How many of the next bytes are of no interest: a seekable source can leave them out. */
uint64_t tar_reader_skippable(const struct tar_reader *tar);
void tar_reader_skip_data(struct tar_reader *tar, uint64_t len);

/* The rest of the image is of no interest. */
void tar_reader_leave_image(struct tar_reader *tar);

/* The input is over: was it whole, with one image in it?  -ENODATA, -EPROTO. */
BMAP_MUST_CHECK int tar_reader_end(struct tar_reader *tar, struct bmap_error *err);

/* The member that is the image, once its header was seen; NULL before.  Lent. */
const char *tar_reader_member(const struct tar_reader *tar);
uint64_t tar_reader_image_size(const struct tar_reader *tar);

/* Where in the archive the image lies when it lies there in one piece; false: it is sparse. */
bool tar_reader_extent(const struct tar_reader *tar, uint64_t *offset_bytes);

/* The text of the map of the image among the members that went by; NULL: there was none.  Lent. */
const char *tar_reader_map(const struct tar_reader *tar, size_t *len, const char **name);

#endif
