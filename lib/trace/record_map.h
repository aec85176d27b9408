/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file of a record while it is written: through mappings, where a byte is a store instead of a
 * system call, as far as that is safe.
 *
 * A page is first written whole with pwrite(2), so that a full disk is an error and no signal, and
 * mapped only where such a page is later overwritten in place (ext4, tmpfs).  What remains is a
 * file that somebody else cuts: by the handler of record_map_allow(), and by a look at its length
 * now and then, that is an error, too, within some hundred stores.
 *
 * Threads: of one map one at a time.
 */
#ifndef TRACE_RECORD_MAP_H
#define TRACE_RECORD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bmap/macros.h"

struct record_window;

/* Zeros: nothing is mapped. */
struct record_map {
	struct record_window *windows[32]; /* in order: the facts of 128 GiB */
	size_t n_windows;
	bool may_map;
	uint64_t len_bytes; /* the file is so long, unless somebody else has cut it */
	uint64_t n_stores;
	bool is_cut; /* it was noticed: nothing is written any more */
};

/* From now on files may be mapped; the process gets a handler for SIGBUS.  Any thread. */
void record_map_allow(void);

/* For the file @fd, which is to be written by nobody else. */
void record_map_open(struct record_map *map, int fd);
void record_map_close(struct record_map *map);

/* -EIO: somebody else has cut the file. */
BMAP_MUST_CHECK int record_map_check(struct record_map *map, int fd);

/* Puts bytes into the file.  0 or -errno; -EIO also when it was cut. */
BMAP_MUST_CHECK int record_map_write(struct record_map *map, int fd, const uint8_t *bytes, size_t n,
				     uint64_t offset_bytes);

#endif
