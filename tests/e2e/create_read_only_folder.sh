#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create makes no file beside the image: a read-only folder works, with
# FIEMAP and with SEEK_HOLE (COMPAT.md B1-29).
. "${0%/*}/common.sh" || exit 99
requires_root

try() {
	local folder=$1
	make_image "$folder/image" 1000000 0:1 10:5 244:1
	mkdir -p mnt
	mount --bind "$folder" mnt || skip "cannot bind-mount"
	at_exit "umount $WORK/mnt"
	mount -o remount,bind,ro mnt || skip "cannot remount read-only"
	! touch mnt/x 2>/dev/null || fail "the folder is not read-only"
	run 0 "$BMAPTOOL" create -o image.bmap mnt/image
	check_map verify image.bmap mnt/image
	[ "$(check_map blocks image.bmap)" = "0 10-14 244" ] || fail "mapped: $(check_map blocks image.bmap)"
	umount mnt
}
mkdir folder
try folder
[ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] || exit 0
shm=$(mktemp -d /dev/shm/bmap-e2e.XXXXXX)
at_exit "rm -rf $shm"
try "$shm"
