/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that can only be decoded forwards, made readable anywhere: a thread decodes it as far as
 * somebody wants to read, and keeps the mapped blocks in a temporary file without a name.
 *
 * After a failure the next read begins anew; what is in the file stays.
 * Threads: any.
 */
#ifndef VIEW_SPILL_H
#define VIEW_SPILL_H

#include "codec/gzip_index.h"
#include "image/image_parts.h"
#include "view/range_ledger.h"

struct spill;

/* Opens the image once more, which must be what it was; for new tries after a failure. */
typedef int spill_reopener(void *opaque, struct bmap_image **image, struct bmap_error *err);

struct spill_options {
	const struct bmap *map;      /* NULL: all is mapped; lent */
	struct range_ledger *ledger; /* hears of all mapped bytes; NULL: nobody does; lent */
	struct gzip_index
		*checkpoints;        /* of a gzip image: where they go; lent; NULL: none are made */
	struct piece_index *learned; /* takes the pieces that came out; lent; NULL: nobody asks */
	struct piece from;           /* of a gzip image: a checkpoint to begin at */
	bool has_from;
	const char *folder; /* of the temporary file */
	_Atomic uint64_t *decoded_bytes;
	spill_reopener *reopen;
	void *opaque;
};

/* @image is lent. */
BMAP_MUST_CHECK int spill_new(struct spill **spill, struct bmap_image *image,
			      const struct spill_options *options, struct bmap_error *err);
void spill_free(struct spill *spill);

/* Waits until all before @end_bytes is there, or the image is over. */
BMAP_MUST_CHECK int spill_reach(struct spill *spill, uint64_t end_bytes, struct bmap_error *err);

/* The size of the image; false: it was not decoded to its end yet. */
bool spill_size(struct spill *spill, uint64_t *size_bytes);

/* Reads what spill_reach() has reached.  Bytes behind the end are -ENODATA. */
BMAP_MUST_CHECK int spill_pread(struct spill *spill, uint8_t *buf, size_t len,
				uint64_t offset_bytes, struct bmap_error *err);

/* Ends the thread: what it made is constant from now on. */
void spill_stop(struct spill *spill);

/* Ends all waiting: -ECANCELED. */
void spill_cancel(struct spill *spill);

#endif
