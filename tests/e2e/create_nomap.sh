#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --nomap START:END maps every block of a range of bytes, holes included;
# repeated, with suffixes, rounded outwards to blocks (issue 2).
. "${0%/*}/common.sh" || exit 99
make_image image 4M 0:1 1000:1

mapped() {
	local want=$1; shift
	run 0 "$BMAPTOOL" create "$@" -o ours.bmap image
	check_map verify ours.bmap image
	[ "$(check_map blocks ours.bmap)" = "$want" ] || fail "$*: mapped: $(check_map blocks ours.bmap), not $want"
}
mapped "0 1000"
mapped "0 16-31 1000" --nomap 64K:128K
mapped "0 16-31 1000" --nomap 65536:131072
mapped "0 16-31 1000" --nomap=64k:128k
mapped "0 256-511 1000" --nomap 1M:2M
mapped "0 16-31 256-511 1000" --nomap 64K:128K --nomap 1M:2M
mapped "0 16-31 1000" --nomap 64K:100K --nomap 96K:128K
mapped "0-15 1000" --nomap 0:64K
mapped "0 10 1000" --nomap 40961:40962
mapped "0 10-11 1000" --nomap 45055:45057
mapped "0 768-1023" --nomap 3M:4M
mapped "0-1023" --nomap 0:4M

# The ranges carry checksums, and the zeros in them are written.
run 0 "$BMAPTOOL" create --nomap 64K:128K -o ours.bmap image
loop_device disk 4M
run 0 "$BMAPTOOL" copy --bmap ours.bmap image "$LOOP"
dd if="$LOOP" bs=4096 skip=15 count=18 iflag=direct status=none | od -An -v -tx1 -w4096 | cut -c2-3 | sort | uniq -c | tr -s ' ' >seen
[ "$(cat seen)" = " 16 00
 2 aa" ] || fail "zeros of the range are not on the device: $(cat seen)"

# Together with --detect-zeroes it says which zeros matter.
cp --sparse=never image dense
run 0 "$BMAPTOOL" create --detect-zeroes --nomap 64K:128K -o ours.bmap dense
check_map verify ours.bmap image
[ "$(check_map blocks ours.bmap)" = "0 16-31 1000" ] || fail "mapped: $(check_map blocks ours.bmap)"
