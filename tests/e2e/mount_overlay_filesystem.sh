#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A filesystem in a mounted image is mounted for writing by way of the overlay,
# and one is made there; the image stays as it is.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_loop
requires_command mke2fs e2fsck
mkdir root point
seq 20000 >root/numbers
truncate -s 12M disk.img
mke2fs -q -t ext4 -d root disk.img || fail "mke2fs"
a_map disk.img
gzip -1nc disk.img >disk.img.gz
sha256sum disk.img.gz >sums
attach() {
	mount_image --overlay=changes disk.img.gz mnt
	LOOP=$(losetup --show -f mnt/disk.img) || fail "losetup"
	at_exit "losetup -d $LOOP"
}
detach() { losetup -d "$LOOP"; wait_for 10 unmount_quietly || fail "unmounting"; }
# shellcheck disable=SC2317 # called by wait_for
unmount_quietly() { _unmount mnt 2>/dev/null && wait_for 10 no_daemons; }
attach
mount "$LOOP" point || fail "mount"
at_exit "umount point"
head -c 500000 /dev/urandom >new
cp new point/new || fail "writing"
rm point/numbers || fail "removing"
umount point
detach
attach
run 0 e2fsck -fn "$LOOP"
mount -o ro "$LOOP" point || fail "mount"
same new point/new
[ ! -e point/numbers ] || fail "what was removed is back"
umount point
mke2fs -q -F -t ext4 "$LOOP" || fail "mke2fs on the overlay"
run 0 e2fsck -fn "$LOOP"
detach
run 0 e2fsck -fn disk.img
sha256sum --quiet -c sums || fail "the image was changed"
