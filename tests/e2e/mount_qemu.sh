#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# qemu-img maps a mounted image as it maps the image, and converts it.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_command qemu-img
make_image disk.wic 4194304 0:4 100:20 1000:3
a_map disk.wic
gzip -1nc disk.wic >disk.wic.gz
mount_image disk.wic.gz mnt
run 0 qemu-img map -f raw --output=json disk.wic
mv stdout expected
run 0 qemu-img map -f raw --output=json mnt/disk.wic
same expected stdout
run 0 qemu-img convert -f raw -O qcow2 mnt/disk.wic disk.qcow2
run 0 qemu-img compare -f raw -F qcow2 disk.wic disk.qcow2
[ "$(stat -c %s disk.qcow2)" -lt 1048576 ] || fail "the copy has no holes"
