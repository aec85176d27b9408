/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes and times as people read and write them.  Threads: any. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#include "bmap/error.h"

struct human_text {
	char text[32];
};

/*
 * "1 byte", "511 bytes", "0.5 KiB", "1.5 MiB" ... up to EiB: the form of today's bmaptool
 * (COMPAT C2), whose steps end at TiB.
 */
struct human_text human_size(uint64_t n_bytes);

/* "1h 2m 3.4s"; hours and minutes are left out when there are none. */
struct human_text human_time(double seconds);

/*
 * Parses a whole number of bytes with an optional K, M, G or T behind it (powers of 1024):
 * "4096", "64K", "2g".  @what names the option for the sentence.  -EINVAL, -EOVERFLOW.
 */
BMAP_MUST_CHECK int size_parse(const char *text, uint64_t *n_bytes, const char *what,
			       struct bmap_error *err);

#endif
