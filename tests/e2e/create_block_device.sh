#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A block device as the image: everything is mapped; with --detect-zeroes
# only what is not zero (issue 2).
. "${0%/*}/common.sh" || exit 99
loop_device disk 1M
dd if=/dev/zero of="$LOOP" bs=4096 seek=16 count=32 conv=fsync status=none
run 0 "$BMAPTOOL" create -o all.bmap "$LOOP"
check_map verify all.bmap "$LOOP"
[ "$(check_map get all.bmap ImageSize)" = 1048576 ] || fail "not the device's size"
[ "$(check_map get all.bmap MappedBlocksCount)" = "$(check_map get all.bmap BlocksCount)" ] || fail "not all is mapped"

run 0 "$BMAPTOOL" create --detect-zeroes -o some.bmap "$LOOP"
check_map verify some.bmap "$LOOP"
[ "$(check_map get some.bmap BlockSize)" = 4096 ] || fail "blocks are not 4096 bytes"
[ "$(check_map blocks some.bmap)" = "0-15 48-255" ] || fail "mapped: $(check_map blocks some.bmap)"
