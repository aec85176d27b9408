/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sparse file, and a second one that says which of its blocks count: what has been written, and
 * what has been written and synced.
 *
 * A block counts only after its bytes are in the file, so however the program ends, nothing counts
 * that is not there.  When the machine ended since (another boot id), only what was synced counts.
 *
 * The second file: 4096 bytes of header (magic, sizes, boot id, identity), then a bit a block,
 * lowest first: those written, and from the next multiple of 4096 on those synced.
 *
 * Threads: any.
 */
#ifndef BASE_SPARSE_STORE_H
#define BASE_SPARSE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/error.h"

struct sparse_store;

struct sparse_store_options {
	uint64_t size_bytes;
	uint32_t block_size_bytes;
	const char *identity; /* of what the blocks are of; at most 1023 characters */
};

/*
 * Opens or makes the files @path and @blocks_path.  -EBUSY: another process has them; -EBADMSG:
 * they are of another identity or size; -EPROTO: they are not such files.
 */
BMAP_MUST_CHECK int sparse_store_open(struct sparse_store **store, const char *path,
				      const char *blocks_path,
				      const struct sparse_store_options *options,
				      struct bmap_error *err);

/* Syncs; files that it made and never wrote to are removed.  NULL is allowed. */
void sparse_store_close(struct sparse_store *store);

/* The first block at or behind @block that counts (@counts) or does not; the number of blocks:
 * none. */
uint64_t sparse_store_find(struct sparse_store *store, uint64_t block, bool counts);

uint64_t sparse_store_n_blocks(struct sparse_store *store); /* that count */

/* Bytes of blocks that count.  Returns 0 or -errno. */
BMAP_MUST_CHECK int sparse_store_pread(struct sparse_store *store, void *buf, size_t len,
				       uint64_t offset_bytes);

/*
 * Writes bytes; all blocks that they touch count afterwards, so those that did not before must be
 * written whole.  Returns 0 or -errno.
 */
BMAP_MUST_CHECK int sparse_store_pwrite(struct sparse_store *store, const void *buf, size_t len,
					uint64_t offset_bytes);

/* Returns 0 or -errno. */
BMAP_MUST_CHECK int sparse_store_sync(struct sparse_store *store);

#endif
