/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which ranges of a map have been verified, and what follows from it for who wants to read.
 *
 * Bytes of a range count when they come in order; a range is compared when its last byte has come.
 * Threads: any.
 */
#ifndef VIEW_RANGE_LEDGER_H
#define VIEW_RANGE_LEDGER_H

#include "bmap/view.h"

struct range_ledger;

/* For another @verify than BMAP_VERIFY_OFF.  @map is lent; @image is for sentences, lent. */
BMAP_MUST_CHECK int range_ledger_new(struct range_ledger **ledger, const struct bmap *map,
				     enum bmap_verify verify, uint64_t window_bytes,
				     const char *image, struct bmap_error *err);
void range_ledger_free(struct range_ledger *ledger);

struct ledger_range {
	size_t index; /* in the map */
	uint64_t first_bytes, end_bytes;
};

/*
 * The first range with a byte in [offset, offset + len) that has to be verified before any byte of
 * it is handed out, and is not yet.  false: there is none.
 */
bool range_ledger_next_due(struct range_ledger *ledger, uint64_t offset_bytes, uint64_t len,
			   struct ledger_range *range);

/*
 * Takes over the verification of a range: 1, and range_ledger_end() must follow.  0: it is
 * verified, maybe by somebody else, whose end was waited for.  -EBADMSG, -ECANCELED.
 */
BMAP_MUST_CHECK int range_ledger_begin(struct range_ledger *ledger, size_t index,
				       struct bmap_error *err);

/* Bytes for who took the range over. */
void range_ledger_feed_range(struct range_ledger *ledger, size_t index, const uint8_t *data,
			     size_t len, uint64_t offset_bytes);
void range_ledger_end(struct range_ledger *ledger, size_t index);

/*
 * Bytes that passed by.  @may_wait: for somebody else who feeds the same range, so that these bytes
 * are not lost to it; not for who others wait for.
 */
void range_ledger_feed(struct range_ledger *ledger, const uint8_t *data, size_t len,
		       uint64_t offset_bytes, bool may_wait);

/*
 * A range with a byte in [offset, offset + len) that is known in part, and the next byte that it
 * wants, once nobody feeds it.  false: there is none.
 */
bool range_ledger_wants(struct range_ledger *ledger, uint64_t offset_bytes, uint64_t len,
			struct ledger_range *range, uint64_t *next_bytes);

/* -EBADMSG: a range with a byte in [offset, offset + len) has another checksum than in the map. */
BMAP_MUST_CHECK int range_ledger_check(struct range_ledger *ledger, uint64_t offset_bytes,
				       uint64_t len, struct bmap_error *err);

uint64_t range_ledger_n_verified(struct range_ledger *ledger);

/* Nobody waits any more. */
void range_ledger_cancel(struct range_ledger *ledger);

#endif
