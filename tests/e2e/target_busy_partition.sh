#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A whole disk is refused while one of its partitions is mounted, and so is
# that partition, but not the other (COMPAT.md C5).
. "${0%/*}/common.sh" || exit 99
requires_command sfdisk mke2fs
make_image image 1M 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
truncate -s 16M disk
sfdisk -q disk <<-'TABLE' || fail "sfdisk"
	label: dos
	start=2048, size=8192, type=83
	start=16384, size=8192, type=83
TABLE
requires_loop
LOOP=$(losetup --show -f -P disk) || fail "losetup"
at_exit "losetup -d $LOOP"
# A kernel that reads no partition tables can be told of partitions.
[ -b "${LOOP}p1" ] || { partx -a "$LOOP" 2>/dev/null; at_exit "partx -d $LOOP"; }
[ -b "${LOOP}p1" ] || skip "no partitions on loop devices here"
mke2fs -q -F "${LOOP}p1" || fail "mke2fs"
mkdir held
mount "${LOOP}p1" held || fail "mount"
at_exit "umount $WORK/held"
sync
cp disk before

for device in "$LOOP" "${LOOP}p1"; do
	run 1 "$BMAPTOOL" copy image "$device"
	no_crash
	says "cannot open block device '$device' in exclusive mode: "
	says "$WORK/held"
done
sync
same before disk
run 0 "$BMAPTOOL" copy image "${LOOP}p2"
same <(head -c 1048576 "${LOOP}p2") image
