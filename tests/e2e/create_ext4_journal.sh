#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The journal that mke2fs zeroes with FALLOC_FL_ZERO_RANGE is mapped, and a
# copy of only the mapped blocks over garbage is a clean ext4 (COMPAT.md D3).
. "${0%/*}/common.sh" || exit 99
requires_command mke2fs debugfs e2fsck
[ "$(stat -f -c %T .)" = ext2/ext3 ] || skip "needs ext4, here is $(stat -f -c %T .)"

mkdir -p tree/etc
head -c 300000 /dev/urandom >tree/noise
seq 1000 >tree/etc/numbers
mke2fs -q -F -t ext4 -b 4096 -J size=4 -d tree image 16M || fail "mke2fs"
sync image
run 0 "$BMAPTOOL" create -o image.bmap image
check_map verify image.bmap image
blocks=$(debugfs -R 'blocks <8>' image 2>/dev/null)
[ "$(echo "$blocks" | wc -w)" -ge 1024 ] || fail "the journal has $(echo "$blocks" | wc -w) blocks"
# shellcheck disable=SC2086 # words are meant
check_map mapped image.bmap $blocks

loop_device disk 16M
run 0 "$BMAPTOOL" copy --bmap image.bmap image "$LOOP"
e2fsck -fn "$LOOP" >fsck.log 2>&1 || fail "e2fsck: $(cat fsck.log)"
