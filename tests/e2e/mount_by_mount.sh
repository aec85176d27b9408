#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# As mount(8) does it: mount -t fuse.bmapfs, from the command line and from fstab.
# It looks into folders of its own for the program: here is one, for us alone.
if [ "$(id -u)" = 0 ] && [ -z "${IN_NAMESPACE:-}" ] && unshare -m true 2>/dev/null; then
	IN_NAMESPACE=1 exec unshare -m bash "$0"
fi
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_root
requires_command mount.fuse3
make_image disk.wic 1000000 0:1 10:5
a_map disk.wic elsewhere
[ -n "${IN_NAMESPACE:-}" ] || skip "needs unshare"
mkdir mnt
mount -t tmpfs none /usr/local/bin || fail "tmpfs"
ln -s "$(realpath "$(command -v "$BMAPFS")")" /usr/local/bin/bmapfs
at_exit "_clear $PWD/mnt"
mounts() {
	run 0 mount "$@"
	no_crash
	same disk.wic mnt/disk.wic
	same_extents disk.wic mnt/disk.wic
	grep -q " $PWD/mnt fuse.bmapfs " /proc/self/mounts || fail "mounts: $(grep mnt /proc/self/mounts)"
	umount mnt || fail "umount"
	wait_for 10 no_daemons || fail "a daemon is left"
}
mounts -t fuse.bmapfs "$PWD/disk.wic" "$PWD/mnt" -o "ro,bmap=$PWD/elsewhere"
mounts -t fuse.bmapfs "$PWD/disk.wic" "$PWD/mnt" -o "ro,nodev,nosuid,allow_other,bmap=$PWD/elsewhere,memory=16M"
# What stands in fstab for mount(8) and systemd comes through as well.
echo "$PWD/disk.wic $PWD/mnt fuse.bmapfs noauto,ro,_netdev,user,nofail,x-systemd.automount,bmap=$PWD/elsewhere 0 0" >fstab
mounts -T fstab "$PWD/mnt"
# A failure is mount's failure.
mount -t fuse.bmapfs "$PWD/missing" "$PWD/mnt" -o ro 2>stderr && fail "no error"
says "missing"
! is_mounted mnt || fail "mounted"
