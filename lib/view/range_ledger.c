/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "map/digest.h"
#include "view/range_ledger.h"

/* What is known of a range. */
struct entry {
	enum { OPEN, VERIFIED, BAD } state; /* guarded by lock */
	bool busy;             /* guarded by lock: somebody adds to the digest, or verifies it */
	struct digest *digest; /* of who is busy; NULL: no byte has come */
	uint64_t next_bytes;   /* of who is busy: how far it has come */
	uint8_t *found;        /* of a bad range: its checksum */
};

struct range_ledger {
	const struct bmap *map;
	enum bmap_verify verify;
	uint64_t window_bytes;
	const char *image;
	struct digest_type *type;
	uint64_t block_size, image_size;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool cancelled;      /* guarded by lock */
	uint64_t n_verified; /* guarded by lock */
	struct entry *entries;
};

int range_ledger_new(struct range_ledger **ledger_out, const struct bmap *map,
		     enum bmap_verify verify, uint64_t window_bytes, const char *image,
		     struct bmap_error *err)
{
	struct range_ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return bmap_error_set(err, ENOMEM, "out of memory");
	ledger->map = map;
	ledger->verify = verify;
	ledger->window_bytes = window_bytes;
	ledger->image = image;
	ledger->block_size = bmap_block_size_bytes(map);
	ledger->image_size = bmap_image_size_bytes(map);
	pthread_mutex_init(&ledger->lock, NULL);
	pthread_cond_init(&ledger->changed, NULL);
	ledger->entries = calloc(bmap_n_ranges(map) + 1, sizeof(*ledger->entries));
	if (!ledger->entries)
		bmap_error_set(err, ENOMEM, "out of memory");
	else if (bmap_checksum_type(map))
		(void)!digest_type_new(&ledger->type, bmap_checksum_type(map), err);
	if (err->code) {
		range_ledger_free(ledger);
		return -err->code;
	}
	*ledger_out = ledger;
	return 0;
}

void range_ledger_free(struct range_ledger *ledger)
{
	if (!ledger)
		return;
	for (size_t i = 0; ledger->entries && i < bmap_n_ranges(ledger->map); i++) {
		digest_free(ledger->entries[i].digest);
		free(ledger->entries[i].found);
	}
	free(ledger->entries);
	digest_type_free(ledger->type);
	pthread_cond_destroy(&ledger->changed);
	pthread_mutex_destroy(&ledger->lock);
	free(ledger);
}

/* The range @index in bytes.  false: there is none, or it begins at or behind @end_bytes. */
static bool get_range(const struct range_ledger *ledger, size_t index, uint64_t end_bytes,
		      struct ledger_range *range)
{
	struct bmap_range blocks;

	if (index >= bmap_n_ranges(ledger->map))
		return false;
	blocks = bmap_get_range(ledger->map, index, NULL, NULL);
	range->index = index;
	range->first_bytes = blocks.first_block * ledger->block_size;
	range->end_bytes = MIN((blocks.first_block + blocks.n_blocks) * ledger->block_size,
			       ledger->image_size);
	return range->first_bytes < end_bytes;
}

static size_t first_range(const struct range_ledger *ledger, uint64_t offset_bytes)
{
	return bmap_find_range(ledger->map, offset_bytes / ledger->block_size);
}

static bool has_digest(const struct range_ledger *ledger, size_t index)
{
	const uint8_t *digest;

	bmap_get_range(ledger->map, index, &digest, NULL);
	return digest && ledger->type;
}

bool range_ledger_next_due(struct range_ledger *ledger, uint64_t offset_bytes, uint64_t len,
			   struct ledger_range *range)
{
	LOCKED(&ledger->lock);

	for (size_t i = first_range(ledger, offset_bytes);
	     get_range(ledger, i, offset_bytes + len, range); i++) {
		if (ledger->entries[i].state == OPEN && has_digest(ledger, i) &&
		    (ledger->verify == BMAP_VERIFY_STRICT ||
		     range->end_bytes - range->first_bytes <= ledger->window_bytes))
			return true;
	}
	return false;
}

static int bad_range(const struct range_ledger *ledger, size_t index, struct bmap_error *err)
{
	char found[2 * BMAP_MAX_DIGEST_LEN + 1], wanted[2 * BMAP_MAX_DIGEST_LEN + 1];
	const uint8_t *digest;
	size_t len;
	struct bmap_range range = bmap_get_range(ledger->map, index, &digest, &len);

	digest_format(digest, len, wanted);
	strcpy(found, "another");
	if (ledger->entries[index].found)
		digest_format(ledger->entries[index].found, len, found);
	return bmap_error_set(err, EBADMSG,
			      "checksum mismatch for blocks range %" PRIu64 "-%" PRIu64
			      ": calculated %s, should be %s (image file %s)",
			      range.first_block, range.first_block + range.n_blocks - 1, found,
			      wanted, ledger->image);
}

int range_ledger_begin(struct range_ledger *ledger, size_t index, struct bmap_error *err)
{
	LOCKED(&ledger->lock);
	struct entry *entry = &ledger->entries[index];

	while (entry->busy && !ledger->cancelled)
		pthread_cond_wait(&ledger->changed, &ledger->lock);
	if (ledger->cancelled)
		return bmap_error_set(err, ECANCELED, "cancelled");
	if (entry->state == BAD)
		return bad_range(ledger, index, err);
	if (entry->state == VERIFIED)
		return 0;
	entry->busy = true;
	/* It may have been read in part before: begin anew. */
	digest_free(entry->digest);
	entry->digest = NULL;
	return 1;
}

void range_ledger_end(struct range_ledger *ledger, size_t index)
{
	LOCKED(&ledger->lock);

	ledger->entries[index].busy = false;
	pthread_cond_broadcast(&ledger->changed);
}

/* The range's last byte has come. */
static void compare(struct range_ledger *ledger, struct entry *entry, size_t index)
{
	uint8_t found[BMAP_MAX_DIGEST_LEN];
	const uint8_t *wanted;
	size_t len;
	bool is_good;

	bmap_get_range(ledger->map, index, &wanted, &len);
	digest_finish(entry->digest, found);
	digest_free(entry->digest);
	entry->digest = NULL;
	is_good = memcmp(found, wanted, len) == 0;
	pthread_mutex_lock(&ledger->lock);
	entry->state = is_good ? VERIFIED : BAD;
	ledger->n_verified += is_good;
	if (!is_good && (entry->found = malloc(len)))
		memcpy(entry->found, found, len);
	pthread_mutex_unlock(&ledger->lock);
}

void range_ledger_feed_range(struct range_ledger *ledger, size_t index, const uint8_t *data,
			     size_t len, uint64_t offset_bytes)
{
	struct entry *entry = &ledger->entries[index];
	struct ledger_range range;
	uint64_t end;

	get_range(ledger, index, UINT64_MAX, &range);
	if (!entry->digest) {
		/* Without memory for it the range stays as it is. */
		entry->digest = digest_new(ledger->type);
		entry->next_bytes = range.first_bytes;
	}
	end = MIN(offset_bytes + len, range.end_bytes);
	if (!entry->digest || offset_bytes > entry->next_bytes || end <= entry->next_bytes)
		return;
	digest_update(entry->digest, data + (entry->next_bytes - offset_bytes),
		      (size_t)(end - entry->next_bytes));
	entry->next_bytes = end;
	if (end == range.end_bytes)
		compare(ledger, entry, index);
}

void range_ledger_feed(struct range_ledger *ledger, const uint8_t *data, size_t len,
		       uint64_t offset_bytes, bool may_wait)
{
	struct ledger_range range;

	for (size_t i = first_range(ledger, offset_bytes);
	     get_range(ledger, i, offset_bytes + len, &range); i++) {
		struct entry *entry = &ledger->entries[i];
		bool is_free;

		pthread_mutex_lock(&ledger->lock);
		while (may_wait && entry->busy && !ledger->cancelled)
			pthread_cond_wait(&ledger->changed, &ledger->lock);
		is_free = entry->state == OPEN && !entry->busy && has_digest(ledger, i) &&
			  (entry->digest ? offset_bytes <= entry->next_bytes
					 : offset_bytes <= range.first_bytes);
		entry->busy = entry->busy || is_free;
		pthread_mutex_unlock(&ledger->lock);
		if (!is_free)
			continue;
		range_ledger_feed_range(ledger, i, data, len, offset_bytes);
		range_ledger_end(ledger, i);
	}
}

bool range_ledger_wants(struct range_ledger *ledger, uint64_t offset_bytes, uint64_t len,
			struct ledger_range *range, uint64_t *next_bytes)
{
	LOCKED(&ledger->lock);

	for (size_t i = first_range(ledger, offset_bytes);
	     get_range(ledger, i, offset_bytes + len, range); i++) {
		const struct entry *entry = &ledger->entries[i];

		while (entry->busy && !ledger->cancelled)
			pthread_cond_wait(&ledger->changed, &ledger->lock);
		if (entry->state == OPEN && !entry->busy && entry->digest) {
			*next_bytes = entry->next_bytes;
			return true;
		}
	}
	return false;
}

int range_ledger_check(struct range_ledger *ledger, uint64_t offset_bytes, uint64_t len,
		       struct bmap_error *err)
{
	LOCKED(&ledger->lock);
	struct ledger_range range;

	for (size_t i = first_range(ledger, offset_bytes);
	     get_range(ledger, i, offset_bytes + len, &range); i++) {
		if (ledger->entries[i].state == BAD)
			return bad_range(ledger, i, err);
	}
	return 0;
}

uint64_t range_ledger_n_verified(struct range_ledger *ledger)
{
	LOCKED(&ledger->lock);

	return ledger->n_verified;
}

void range_ledger_cancel(struct range_ledger *ledger)
{
	LOCKED(&ledger->lock);

	ledger->cancelled = true;
	pthread_cond_broadcast(&ledger->changed);
}
