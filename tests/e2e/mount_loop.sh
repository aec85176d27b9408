#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk in a mounted image: fdisk reads its table, losetup its partitions,
# e2fsck checks its filesystem, and the kernel mounts it.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_loop
requires_command sfdisk fdisk mke2fs e2fsck
mkdir root point
head -c 300000 /dev/urandom >root/noise
seq 20000 >root/numbers
truncate -s 12M part
mke2fs -q -t ext4 -d root part || fail "mke2fs"
truncate -s 14M disk.wic
printf 'label: gpt\nstart=2048, size=24576\n' | sfdisk -q disk.wic || fail "sfdisk"
dd if=part of=disk.wic bs=1M seek=1 conv=notrunc,sparse status=none
sync
a_map disk.wic
xz -0 -T1 --block-size=1048576 -c disk.wic >disk.wic.xz
mount_image disk.wic.xz mnt
run 0 fdisk -l mnt/disk.wic
grep -qE '^mnt/disk.wic1 +2048 +26623 +24576' stdout || fail "fdisk: $(cat stdout)"
LOOP=$(losetup --show -r -f -o 1M --sizelimit 12M mnt/disk.wic) || fail "losetup"
at_exit "losetup -d $LOOP"
run 0 e2fsck -fn "$LOOP"
mount -o ro,noload "$LOOP" point || fail "mount"
at_exit "umount point"
diff -r --exclude lost+found root point >&2 || fail "the files differ"
same part "$LOOP"
umount point
losetup -d "$LOOP"
LOOP=$(losetup --show -r -P -f mnt/disk.wic) || fail "losetup -P"
at_exit "losetup -d $LOOP"
[ -b "${LOOP}p1" ] || { partx -a "$LOOP" 2>/dev/null; at_exit "partx -d $LOOP"; }
[ -b "${LOOP}p1" ] || skip "no partitions on loop devices here"
same part "${LOOP}p1"
