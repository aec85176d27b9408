#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --removable-device: the destination must be one; a partition is judged by
# its disk (COMPAT.md C5, B1-21).
. "${0%/*}/common.sh" || exit 99
requires_command sfdisk
make_image image 1M 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
truncate -s 8M disk
sfdisk -q disk <<<'start=2048, size=4096' || fail "sfdisk"
requires_loop
LOOP=$(losetup --show -f -P disk) || fail "losetup"
at_exit "losetup -d $LOOP"
[ -b "${LOOP}p1" ] || { partx -a "$LOOP" 2>/dev/null; at_exit "partx -d $LOOP"; }
[ "$(cat "/sys/block/${LOOP##*/}/removable")" = 0 ] || skip "loop devices are removable here"
cp disk before
but="But the removable-device option expects destination file to be"
echo precious >keep

run 1 "$BMAPTOOL" copy --removable-device image missing
says "Destination file missing does not exist. $but an existing device."
[ ! -e missing ] || fail "a file was made"
run 1 "$BMAPTOOL" copy --removable-device image keep
says "Destination file keep is not a block device. But"
[ "$(cat keep)" = precious ] || fail "the destination was touched"
run 1 "$BMAPTOOL" copy --removable-device image /dev/null
says "Destination file /dev/null is not a block device. But"

ln -s "$LOOP" by-id
devices="$LOOP by-id"
[ ! -b "${LOOP}p1" ] || devices+=" ${LOOP}p1"
for device in $devices; do
	run 1 "$BMAPTOOL" copy --removable-device image "$device"
	no_crash
	says "Destination file $device is not a removable block device. But"
	says_not "Unable to detect"
done
sync
same before disk
