/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compares the mapped ranges of an image with their checksums while its bytes pass in order.
 *
 * Threads: one.
 */
#ifndef COPY_RANGE_VERIFIER_H
#define COPY_RANGE_VERIFIER_H

#include "bmap/bmap.h"

struct range_verifier;

/* @map is lent; with @no_checksums the ranges are only followed.  @image is for sentences. */
BMAP_MUST_CHECK int range_verifier_new(struct range_verifier **verifier, const struct bmap *map,
				       const char *image, bool no_checksums,
				       struct bmap_error *err);
void range_verifier_free(struct range_verifier *verifier);

/*
 * Takes the image's bytes at @offset_bytes; what was left out since the last call must not be
 * mapped. -EBADMSG: a range that ended here has another checksum, or mapped bytes were left out.
 */
BMAP_MUST_CHECK int range_verifier_take(struct range_verifier *verifier, const uint8_t *data,
					size_t len, uint64_t offset_bytes, struct bmap_error *err);

/* All mapped bytes before this place are verified. */
uint64_t range_verifier_verified_to(const struct range_verifier *verifier);

/* Mapped bytes that passed. */
uint64_t range_verifier_mapped_bytes(const struct range_verifier *verifier);

#endif
