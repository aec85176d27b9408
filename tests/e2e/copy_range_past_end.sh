#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map with a range behind the image's end never makes a destination larger than
# ImageSize.  COMPAT B1-6, B1-7.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 250:6
make_map image good.bmap
check() {
	rm -f out
	run_stdin image 1 "$BMAPTOOL" copy --bmap bad.bmap - out
	no_crash
	says "bmaptool: ERROR: "
	[ "$(wc -l <stderr)" -le 8 ] || fail "a long story"
	if [ -e out ] && [ "$(stat -c %s out)" -gt 1048576 ]; then fail "written behind the end"; fi
	rm -f out
	run 1 "$BMAPTOOL" copy --bmap bad.bmap image out
	no_crash
	[ ! -e out ] || fail "the map is bad, yet out was made"
}
sed 's/ 250-255 / 250-260 /; s/<MappedBlocksCount> 10/<MappedBlocksCount> 15/' good.bmap >bad.bmap
fix_checksum bad.bmap
check
sed 's/ 250-255 / 250-18446744073709551615 /' good.bmap >bad.bmap
fix_checksum bad.bmap
check
sed 's/<MappedBlocksCount> 10/<MappedBlocksCount> 3/' good.bmap >bad.bmap
fix_checksum bad.bmap
check
