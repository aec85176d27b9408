#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `create --detect-zeroes` goes over a hole of 4 TiB in no time.
. "${0%/*}/common.sh" || exit 99

truncate -s 4T image 2>/dev/null || skip "the filesystem has no files of 4 TiB"
blocks=$((4 << 28))
for at in 0 10 1000000 $((blocks - 1)); do
	dd if=/dev/urandom of=image bs=4096 seek=$at count=1 conv=notrunc status=none
done
# Zeros that are stored.
dd if=/dev/zero of=image bs=4096 seek=500 count=3 conv=notrunc status=none
sync image
RUN_TIMEOUT=5
run 0 "$BMAPTOOL" create --detect-zeroes -o map image
[ "$(check_map get map ImageSize)" = $((4 << 40)) ] || fail "ImageSize is $(check_map get map ImageSize)"
[ "$(check_map get map BlocksCount)" = $blocks ] || fail "BlocksCount is $(check_map get map BlocksCount)"
[ "$(check_map blocks map | xargs)" = "0 10 1000000 $((blocks - 1))" ] || fail "mapped: $(check_map blocks map)"
[ "$(check_map get map MappedBlocksCount)" = 4 ] || fail "MappedBlocksCount is $(check_map get map MappedBlocksCount)"
