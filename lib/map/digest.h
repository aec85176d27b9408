/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checksums by libcrypto, under the names that maps use for them.
 *
 * Threads: a digest type may be shared, a digest belongs to one thread.
 */
#ifndef MAP_DIGEST_H
#define MAP_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"

struct digest_type;
struct digest;

/*
 * Looks up a checksum by the name that bmap files and Python's hashlib use ("sha256",
 * "sha3_256", "blake2b").  -EOPNOTSUPP: libcrypto does not know it.
 */
BMAP_MUST_CHECK int digest_type_new(struct digest_type **type, const char *name,
				    struct bmap_error *err);
void digest_type_free(struct digest_type *type);
static inline void digest_type_freep(struct digest_type **type)
{
	digest_type_free(*type);
}

/* Length of the result, at most BMAP_MAX_DIGEST_LEN. */
size_t digest_type_len(const struct digest_type *type);

/* A digest about to take its first byte; NULL when out of memory. */
struct digest *digest_new(const struct digest_type *type);
void digest_free(struct digest *digest);
static inline void digest_freep(struct digest **digest)
{
	digest_free(*digest);
}

void digest_update(struct digest *digest, const void *data, size_t len);

/* Writes the result and starts anew. */
void digest_finish(struct digest *digest, uint8_t *result);

/* One-shot; 0 or -ENOMEM. */
BMAP_MUST_CHECK int digest_of(const struct digest_type *type, const void *data, size_t len,
			      uint8_t *result);

/* Room for a key and its NUL. */
#define DIGEST_KEY_LEN 33

/*
 * A name for files that belong to a content at a location: hex digits that differ when either does.
 * -ENOMEM, -EOPNOTSUPP.
 */
BMAP_MUST_CHECK int digest_key(const char *location, const char *identity, char *key);

/* @hex has room for 2 * @len + 1 characters. */
void digest_format(const uint8_t *digest, size_t len, char *hex);

/* Parses exactly 2 * @len hex digits (any case) with nothing behind.  -EINVAL. */
BMAP_MUST_CHECK int digest_parse(const char *hex, uint8_t *digest, size_t len);

#endif
