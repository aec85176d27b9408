#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A compressed image that is cut anywhere, be it by its last byte, is an error:
# with a map and without, from a file and from standard input.
# COMPAT B1-1, B2 bmap-writer, coreos-installer.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:20 200:5
make_map image map
check() {
	local codec=$1 cut=$2 keep=$3
	rm -f out
	run 1 "$BMAPTOOL" copy --nobmap "$cut" out
	no_crash
	says "bmaptool: ERROR: "
	says_not "copying time"
	rm -f out
	run 1 "$BMAPTOOL" copy --bmap map "$cut" out
	no_crash
	says_not "copying time"
	rm -f out
	run_stdin "$cut" 1 "$BMAPTOOL" copy --nobmap - out
	no_crash
	says_not "copying time"
}
for codec in $(codecs); do
	compress "$codec" image whole
	size=$(stat -c %s whole)
	for keep in 12 $((size / 2)) $((size - 9)) $((size - 4)) $((size - 1)); do
		head -c "$keep" whole >part
		(check "$codec" part "$keep") || fail "$codec cut to $keep of $size bytes"
	done
done
