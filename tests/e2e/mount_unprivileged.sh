#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A user who is not root mounts with fusermount3: the files are his, others see
# nothing, and he can unmount.
# Where /dev/fuse is for root alone, there is one for all in a place of our own.
if [ "$(id -u)" = 0 ] && [ -z "${IN_NAMESPACE:-}" ] && unshare -m true 2>/dev/null; then
	IN_NAMESPACE=1 exec unshare -m bash "$0"
fi
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_root
requires_command runuser fusermount3
[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not setuid"
if [ -n "${IN_NAMESPACE:-}" ]; then
	mount -t tmpfs none /mnt && mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse
fi
runuser -u nobody -- sh -c ': <>/dev/fuse' 2>/dev/null || skip "/dev/fuse is for root here"
make_image disk.wic 1000000 0:1 10:5
a_map disk.wic
gzip -1nk disk.wic
mkdir mnt theirs
chown nobody mnt theirs
chmod 755 "$WORK"
program=$(realpath "$(command -v "$BMAPFS")")
as() { timeout -k 5 20 runuser -u nobody -- env HOME="$PWD/theirs" "$@"; }
as test -x "$program" || skip "nobody may not run $program"
at_exit "_clear $PWD/mnt"
as "$program" disk.wic.gz mnt 2>stderr || fail "status $?"
is_mounted mnt || fail "not mounted"
as cat mnt/disk.wic >copy || fail "he cannot read it"
same disk.wic copy
[ "$(as stat -c %U mnt/disk.wic)" = nobody ] || fail "owner $(as stat -c %U mnt/disk.wic)"
# Not even root may look.
! cat mnt/disk.wic >/dev/null 2>&1 || fail "root can read it"
as fusermount3 -u mnt || fail "he cannot unmount"
! is_mounted mnt || fail "still mounted"
# Where he may not mount, it says so, once.
mkdir ours
as "$program" disk.wic.gz ours >stdout 2>stderr && fail "mounted in a folder of root's"
says 'bmapfs: ERROR: '
says 'ours'
! is_mounted ours || fail "mounted"
