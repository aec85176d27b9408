#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --overlay: writes are read back and stay for the next mount; the image stays as
# it is; holes and blocks count what was written.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 4194304 0:100 500:20
a_map disk.wic
xz -0 -T1 --block-size=262144 -c disk.wic >disk.wic.xz
cp disk.wic expected
sha256sum disk.wic.xz disk.wic.bmap >sums
put() { # OFFSET LENGTH: noise, into both
	head -c "$2" /dev/urandom >noise
	dd if=noise of=mnt/disk.wic bs=1M oflag=seek_bytes seek="$1" conv=notrunc status=none || fail "writing at $1"
	dd if=noise of=expected bs=1M oflag=seek_bytes seek="$1" conv=notrunc status=none
}
mount_image --overlay=changes disk.wic.xz mnt
grep " $PWD/mnt fuse.bmapfs rw," /proc/self/mounts >/dev/null || fail "read-only"
[ $((0$(stat -c %a mnt/disk.wic) & 0200)) != 0 ] || fail "mode $(stat -c %a mnt/disk.wic)"
same disk.wic mnt/disk.wic
put 5000 10        # within a block
put 1000000 300000 # a hole
put 2048000 4097   # the border of data
put 4194294 10     # the end
same expected mnt/disk.wic
sync mnt/disk.wic || fail "fsync"
same expected mnt/disk.wic
unmount mnt
mount_image --overlay=changes disk.wic.xz mnt
same expected mnt/disk.wic
put 1500000 100000
same expected mnt/disk.wic
[ "$(stat -c %b mnt/disk.wic)" -gt "$(stat -c %b disk.wic)" ] || fail "st_blocks: $(stat -c %b mnt/disk.wic)"
[ "$(stat -c %b mnt/disk.wic)" -le 1400 ] || [ "$(stat -c %b mnt/disk.wic)" -lt 8192 ] || fail "st_blocks"
cp --sparse=auto mnt/disk.wic copy || fail "cp"
same expected copy
# It is as long as it is, and there is nothing else to be made.
! { echo x >>mnt/disk.wic; } 2>/dev/null || fail "the image grew"
! truncate -s 100 mnt/disk.wic 2>/dev/null || fail "the image shrank"
! echo x 2>/dev/null >mnt/new || fail "a new file"
unmount mnt
sha256sum --quiet -c sums || fail "the source was changed"
[ "$(du -B1 changes | cut -f1)" -le 700000 ] || fail "the overlay is not sparse: $(du -B1 changes)"
mount_image disk.wic.xz mnt
same disk.wic mnt/disk.wic
