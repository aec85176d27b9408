#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every long option may stand behind -o, beside those of mount(8) and of FUSE,
# wherever on the line.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1000000 0:1 10:5
a_map disk.wic elsewhere
mounts() {
	mount_image "$@"
	same disk.wic mnt/disk.wic
	same_extents disk.wic mnt/disk.wic
	grep " $PWD/mnt fuse.bmapfs " /proc/self/mounts >mounted || fail "not in mounts"
	unmount mnt
}
mounts -o bmap=elsewhere disk.wic mnt
mounts -o "ro,nodev,nosuid,noexec,bmap=elsewhere,memory=16M,threads=1,verify=strict" disk.wic mnt
for option in ro noexec nosuid nodev; do
	grep -q "[ ,]${option}[ ,]" mounted || fail "$option: $(cat mounted)"
done
mounts disk.wic -o bmap=elsewhere -o index-step=1M,verify-window=2M,retries=1,timeout=5 mnt
mounts -o bmap=elsewhere,no-sig-verify disk.wic mnt
mounts --options=noatime --bmap elsewhere disk.wic mnt
grep -q noatime mounted || fail "options: $(cat mounted)"
run 2 "$BMAPFS" -o bmap=elsewhere,verify=some disk.wic mnt
says "verify"
mount_image -o nobmap disk.wic mnt
[ "$(extents mnt/disk.wic)" = 0-1000000 ] || fail "nobmap behind -o"
unmount mnt
# Others may look in only with allow_other.
[ "$(id -u)" = 0 ] || exit 0
requires_command runuser
chmod 755 "$WORK"
mount_image -o bmap=elsewhere disk.wic mnt
! runuser -u nobody -- cat mnt/disk.wic >/dev/null 2>&1 || fail "others can read without allow_other"
unmount mnt
mount_image -o bmap=elsewhere,allow_other disk.wic mnt
runuser -u nobody -- cat mnt/disk.wic >copy || fail "allow_other"
same disk.wic copy
unmount mnt
