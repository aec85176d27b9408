#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An overlay of another image, one that is in use, and what is no overlay are
# refused, and left as they are.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1048576 0:100
make_image other.wic 1048576 0:100
make_image larger.wic 2097152 0:100
for file in disk other larger; do a_map $file.wic; done
mount_image --overlay=changes disk.wic mnt
echo hello | dd of=mnt/disk.wic conv=notrunc status=none
# In use.
mkdir second
refuses_busy() {
	run 1 "$BMAPFS" --overlay=changes disk.wic second
	says_re '^bmapfs: ERROR: .*changes'
	! is_mounted second || fail "mounted twice"
}
refuses_busy
unmount mnt
sha256sum changes* >sums
refuses_mount 'changes' --overlay=changes other.wic mnt
refuses_mount 'changes' --overlay=changes larger.wic mnt
sha256sum --quiet -c sums || fail "the overlay was changed"
echo precious >text
refuses_mount 'text' --overlay=text disk.wic mnt
[ "$(cat text)" = precious ] || fail "a file that is no overlay was touched"
refuses_mount 'disk.wic' --overlay=disk.wic disk.wic mnt
refuses_mount 'nowhere' --overlay=nowhere/changes disk.wic mnt
mount_image --overlay=changes disk.wic mnt
[ "$(head -c 5 mnt/disk.wic)" = hello ] || fail "the overlay was lost"
unmount mnt
# The image was changed below it: another image.
dd if=/dev/urandom of=disk.wic bs=4096 count=100 conv=notrunc status=none
a_map disk.wic
refuses_mount 'changes' --overlay=changes disk.wic mnt
