#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cp, tar and rsync find the holes of a mounted image and keep them, those at the
# end and an image of nothing but holes too.  COMPAT B2 "FUSE servers".
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_command rsync
# Holes only, a hole at the end, none at the end.
for blocks in "" "0:4 100:20" "10:5 700:68"; do
	# shellcheck disable=SC2086 # a list of words
	make_image disk.wic 3145728 $blocks
	a_map disk.wic
	xz -0 -T1 --block-size=262144 -c disk.wic >disk.wic.xz
	mount_image disk.wic.xz mnt
	run 0 cp --sparse=auto mnt/disk.wic copy
	same disk.wic copy
	same_extents disk.wic copy
	run 0 tar -C mnt -Sc --hole-detection=seek -f copy.tar disk.wic
	[ "$(stat -c %s copy.tar)" -lt 1048576 ] || fail "tar -S: $(stat -c %s copy.tar) bytes"
	mkdir out
	run 0 tar -C out -xf copy.tar
	same disk.wic out/disk.wic
	same_extents disk.wic out/disk.wic
	run 0 rsync -S mnt/disk.wic out/rsync
	same disk.wic out/rsync
	[ "$(stat -c %b out/rsync)" -le "$(stat -c %b disk.wic)" ] || fail "rsync -S: $(stat -c %b out/rsync) sectors"
	unmount mnt
	rm -r out copy
done
