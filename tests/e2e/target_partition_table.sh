#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# After a copy the kernel has read the partition table again: old partitions
# are gone, those of the image are there (issue 2).
. "${0%/*}/common.sh" || exit 99
requires_command sfdisk partx
truncate -s 8M image
sfdisk -q image <<-'TABLE' || fail "sfdisk"
	label: dos
	start=2048, size=4096, type=83
	start=8192, size=4096, type=83
TABLE
run 0 "$BMAPTOOL" create -o image.bmap image
make_image blank 8M 0:256
run 0 "$BMAPTOOL" create -o blank.bmap blank

# Partitions that the kernel knows and the image does not have.
cp image disk
requires_loop
LOOP=$(losetup --show -f -P disk) || fail "losetup"
at_exit "losetup -d $LOOP"
sys=/sys/block/${LOOP##*/}/${LOOP##*/}
parsed=yes
[ -e "${sys}p1" ] || { parsed=no; partx -a "$LOOP" || skip "no partitions on loop devices here"; }
[ -e "${sys}p2" ] || fail "no partitions before the copy"
run 0 "$BMAPTOOL" copy blank "$LOOP"
says_not WARNING
[ ! -e "${sys}p1" ] || fail "the old first partition is still there"
[ ! -e "${sys}p2" ] || fail "the old second partition is still there"

[ "$parsed" = yes ] || { echo "this kernel reads no partition tables: the image's own were not looked for"; exit 0; }
run 0 "$BMAPTOOL" copy image "$LOOP"
[ "$(cat "${sys}p1/start")" = 2048 ] || fail "no first partition"
[ "$(cat "${sys}p2/start")" = 8192 ] || fail "no second partition"
