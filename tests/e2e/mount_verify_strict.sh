#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --verify=strict wants checksums: a map without them is refused, no map too.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1000000 0:1 10:5
run 0 "$BMAPTOOL" create --no-checksum -o disk.wic.bmap disk.wic
refuses_mount 'checksum' --verify=strict disk.wic mnt
refuses_mount 'checksum|--nobmap|map' --verify=strict --nobmap disk.wic mnt
mount_image disk.wic mnt
same disk.wic mnt/disk.wic
[ "$(statistic mnt/disk.wic verified_ranges)" = 0 ] || fail "verified without checksums"
unmount mnt
# One range without one is enough.
a_map disk.wic
sed 's/<Range chksum="[0-9a-f]*"> 10-14 /<Range> 10-14 /' disk.wic.bmap >some
fix_checksum some
refuses_mount 'checksum' --verify=strict --bmap some disk.wic mnt
mount_image --bmap some disk.wic mnt
same disk.wic mnt/disk.wic
[ "$(statistic mnt/disk.wic verified_ranges)" = 1 ] || fail "$(statistic mnt/disk.wic verified_ranges) verified of one"
