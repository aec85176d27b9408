#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A device that is mounted is refused, with who holds it, and not touched
# (COMPAT.md C2, C5).
. "${0%/*}/common.sh" || exit 99
requires_command mke2fs
make_image image 1M 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
loop_device disk 4M
mke2fs -q -F "$LOOP" || fail "mke2fs"
mkdir "mount point"
mount "$LOOP" "mount point" || fail "mount"
at_exit "umount '$WORK/mount point'"
sync
sha256sum disk >before

for option in "" --force; do
	# shellcheck disable=SC2086 # words are meant
	run 1 "$BMAPTOOL" copy $option image "$LOOP"
	no_crash
	says "bmaptool: ERROR: cannot open block device '$LOOP' in exclusive mode: "
	says "mount point"
done
run 1 "$BMAPTOOL" copy --nobmap image "$LOOP"
says "in exclusive mode"
ln -s "$LOOP" device
run 1 "$BMAPTOOL" copy image device
says "in exclusive mode"
sync
sha256sum --quiet -c before || fail "the device was touched"

umount "mount point"
run 0 "$BMAPTOOL" copy image "$LOOP"
