#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Over a regular file the mount is the image itself.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

a_disk disk 2
a_map disk disk.wic.bmap
xz -0 -T1 --block-size=262144 -c disk >disk.wic.xz
echo "what was there" >point
mount_image disk.wic.xz point
[ "$(stat -c %s point)" = 2097152 ] || fail "size $(stat -c %s point)"
[ "$(stat -c %a:%F point)" = "444:regular file" ] || fail "$(stat -c %a:%F point)"
same disk point
same_extents disk point
same_map point disk.wic.bmap
[ "$(statistic point codec)" = xz ] || fail "codec $(statistic point codec)"
! echo x 2>/dev/null >>point || fail "writing is no error"
unmount point
[ "$(cat point)" = "what was there" ] || fail "the file below was touched"
# The image over its own map, and over itself.
cp disk.wic.xz itself.xz
mount_image --bmap disk.wic.bmap itself.xz itself.xz
same disk itself.xz
unmount itself.xz
same disk.wic.xz itself.xz
