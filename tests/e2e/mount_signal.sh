#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon in the background ends by SIGTERM, also while files are open; what is
# held open fails, the mount point is a folder again.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1000000 0:1 10:5
a_map disk.wic
mount_image disk.wic mnt
exec 7<mnt/disk.wic
kill -TERM "$(daemons)"
wait_for 10 no_daemons || fail "SIGTERM does not end it"
! is_mounted mnt || fail "still mounted"
ls mnt >/dev/null || fail "a dead mount point"
exec 7<&-
# Again, in the same place.
mount_image disk.wic mnt
same disk.wic mnt/disk.wic
# Busy: unmounting says so, and nothing is broken by it.
exec 7<mnt/disk.wic
! _unmount mnt 2>/dev/null || fail "unmounted while it is in use"
same disk.wic mnt/disk.wic
exec 7<&-
unmount mnt
# SIGKILL leaves a dead mount, as with every daemon; it can be taken away.
mount_image disk.wic mnt
kill -KILL "$(daemons)"
wait_for 10 no_daemons
_unmount mnt || fail "a dead mount cannot be unmounted"
mount_image disk.wic mnt
same disk.wic mnt/disk.wic
