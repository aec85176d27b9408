#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The text of a map: elements in order, one space on either side of a value,
# version 2.0, a single block as " N " (COMPAT.md C6).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 3:1 10:5 244:1

run 0 "$BMAPTOOL" create -o image.bmap image
check_map layout image.bmap
check_map verify image.bmap image
[ "$(grep -c '> 3 </Range>' image.bmap)" = 1 ] || fail "block 3 is not ' 3 '"
[ "$(grep -c '> 10-14 </Range>' image.bmap)" = 1 ] || fail "blocks 10 to 14 are not ' 10-14 '"
grep -q '<ChecksumType> sha256 </ChecksumType>' image.bmap || fail "not sha256"
grep -qE '<Range chksum="[0-9a-f]{64}"> 0 </Range>' image.bmap || fail "no checksum on a range"
# The comments tell a person the size and how much of it is mapped.
grep -q '976\.6 KiB' image.bmap || fail "no size in human units"
grep -qF '3.3%' image.bmap || fail "no percentage"

# A map of nothing is a map too.
truncate -s 1M hole
run 0 "$BMAPTOOL" create -o hole.bmap hole
check_map layout hole.bmap
[ "$(check_map get hole.bmap MappedBlocksCount)" = 0 ] || fail "something is mapped in a hole"
[ -z "$(check_map get hole.bmap ranges)" ] || fail "a range in a hole"
