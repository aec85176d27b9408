#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ranges that are none, overlap or lie outside of the image: one sentence,
# destination untouched (COMPAT.md B1-6, B1-7).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
refuses_maps "bad-range-*"

# From standard input as well nothing is written behind the image (B1-7).
rm -f copy
for name in past-end over-end far-past-end; do
	run_stdin maps/image 1 "$BMAPTOOL" copy --bmap "maps/bad-range-$name.bmap" - copy
	no_crash
	[ ! -e copy ] || [ "$(stat -c %s copy)" -le 1000000 ] || fail "$name: $(stat -c %s copy) bytes were written"
done
