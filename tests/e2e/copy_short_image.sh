#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image shorter than its map says is an error at once, also where it ends in
# a hole; no endless search for the rest.  COMPAT B2 bmap-rs, C2.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

RUN_TIMEOUT=5
make_image image 4194304 0:4 1000:10
make_map image
head -c 2000000 image >short
head -c 4120000 image >inside
cat image image >long
for cut in short inside long; do
	run 1 "$BMAPTOOL" copy --bmap image.bmap "$cut" out
	no_crash
	says "cannot set image size to 4194304 bytes, it is known to be $(stat -c %s "$cut") bytes"
	[ ! -e out ] || fail "out was made"
done
for cut in short inside; do
	for codec in $(codecs); do
		compress "$codec" "$cut" "$cut.$(suffix_of "$codec")"
		run 1 "$BMAPTOOL" copy --bmap image.bmap "$cut.$(suffix_of "$codec")" out
		no_crash
		says "ERROR"
		says_not "copying time"
		rm -f out
	done
	run_stdin "$cut" 1 "$BMAPTOOL" copy --bmap image.bmap - out
	no_crash
	says "ERROR"
done
