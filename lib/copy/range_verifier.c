/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "copy/range_verifier.h"
#include "map/slice.h"
#include "map/digest.h"

struct range_verifier {
	const struct bmap *map;
	const char *image;
	struct digest_type *type; /* NULL: nothing to compare */
	struct digest *digest;
	size_t range;              /* the range that is passing, or the next */
	uint64_t range_done_bytes; /* of it */
	uint64_t verified_to_bytes, mapped_bytes;
};

int range_verifier_new(struct range_verifier **verifier_out, const struct bmap *map,
		       const char *image, bool no_checksums, struct bmap_error *err)
{
	struct range_verifier *verifier = calloc(1, sizeof(*verifier));
	const char *name = no_checksums ? NULL : bmap_checksum_type(map);

	if (!verifier)
		return bmap_error_set(err, ENOMEM, "out of memory");
	verifier->map = map;
	verifier->image = image;
	if (name && digest_type_new(&verifier->type, name, err) == 0) {
		verifier->digest = digest_new(verifier->type);
		if (!verifier->digest)
			bmap_error_set(err, ENOMEM, "out of memory");
	}
	if (err->code) {
		range_verifier_free(verifier);
		return -err->code;
	}
	*verifier_out = verifier;
	return 0;
}

void range_verifier_free(struct range_verifier *verifier)
{
	if (!verifier)
		return;
	digest_free(verifier->digest);
	digest_type_free(verifier->type);
	free(verifier);
}

/* The last byte of the current range has passed. */
static int finish_range(struct range_verifier *verifier, struct bmap_range range,
			const uint8_t *expected, struct bmap_error *err)
{
	uint8_t sum[BMAP_MAX_DIGEST_LEN];
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1], expected_hex[2 * BMAP_MAX_DIGEST_LEN + 1];
	size_t len;

	verifier->range++;
	verifier->range_done_bytes = 0;
	if (!expected)
		return 0;
	len = digest_type_len(verifier->type);
	digest_finish(verifier->digest, sum);
	if (memcmp(sum, expected, len) == 0)
		return 0;
	digest_format(sum, len, hex);
	digest_format(expected, len, expected_hex);
	return bmap_error_set(err, EBADMSG,
			      "checksum mismatch for blocks range %" PRIu64 "-%" PRIu64
			      ": calculated %s, should be %s (image file %s)",
			      range.first_block, range.first_block + range.n_blocks - 1, hex,
			      expected_hex, verifier->image);
}

int range_verifier_take(struct range_verifier *verifier, const uint8_t *data, size_t len,
			uint64_t offset_bytes, struct bmap_error *err)
{
	struct slice slice = {0};

	while (slice_next(verifier->map, offset_bytes, len, &slice)) {
		const uint8_t *expected = NULL;
		struct bmap_range range =
			bmap_get_range(verifier->map, slice.range, &expected, NULL);

		if (!verifier->type)
			expected = NULL;
		if (slice.range != verifier->range ||
		    slice.first_bytes != slice.range_first_bytes + verifier->range_done_bytes)
			return bmap_error_set(err, EBADMSG,
					      "the image '%s' lacks bytes of its blocks "
					      "%" PRIu64 "-%" PRIu64,
					      verifier->image, range.first_block,
					      range.first_block + range.n_blocks - 1);
		if (expected)
			digest_update(verifier->digest, data + (slice.first_bytes - offset_bytes),
				      slice.len);
		verifier->mapped_bytes += slice.len;
		verifier->range_done_bytes += slice.len;
		verifier->verified_to_bytes = slice.range_first_bytes;
		if (slice.first_bytes + slice.len == slice.range_end_bytes) {
			if (finish_range(verifier, range, expected, err) < 0)
				return -err->code;
			verifier->verified_to_bytes = slice.range_end_bytes;
		} else if (!expected) {
			verifier->verified_to_bytes = slice.first_bytes + slice.len;
		}
	}
	if (verifier->range_done_bytes == 0)
		verifier->verified_to_bytes = offset_bytes + len;
	return 0;
}

uint64_t range_verifier_verified_to(const struct range_verifier *verifier)
{
	return verifier->verified_to_bytes;
}

uint64_t range_verifier_mapped_bytes(const struct range_verifier *verifier)
{
	return verifier->mapped_bytes;
}
