#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A range larger than the window is compared once it was read to its end, and
# cannot be read any more when it differs; strict compares it before.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 8388608 10:1000 1500:20
a_map disk.wic
cp disk.wic good
printf 'Z' | dd of=disk.wic bs=1 seek=$((900 * 4096 + 77)) conv=notrunc status=none
xz -0 -T2 --block-size=262144 -c disk.wic >disk.wic.xz
for source in disk.wic disk.wic.xz; do
	mount_foreground --verify-window=1M $source mnt
	# Nobody knows yet.
	same_part good mnt/disk.wic $((20 * 4096)) 8192
	same_part good mnt/disk.wic $((1500 * 4096)) 81920
	# Read to its end, the end is not handed out.
	! read_part mnt/disk.wic 0 $((1010 * 4096)) >out 2>dd.stderr || fail "$source: the whole range is handed out"
	grep -q 'Input/output error' dd.stderr || fail "$source: $(cat dd.stderr)"
	eio mnt/disk.wic $((1009 * 4096)) 4096
	same_part good mnt/disk.wic $((1500 * 4096)) 81920
	unmount mnt
	[ "$(grep -c 'checksum mismatch for blocks range 10-1009' mount.log)" = 1 ] || fail "the log: $(cat mount.log)"
	mount_image --verify=strict --verify-window=1M $source mnt
	eio mnt/disk.wic $((20 * 4096)) 4096
	same_part good mnt/disk.wic $((1500 * 4096)) 81920
	unmount mnt
done
# Good ones are good: in parts, and from the back to the front.
cp good disk.wic
for how in strict window; do
	mount_image --verify-window=1M --verify=$how disk.wic mnt
	for at in 4000000 3000000 2000000 1000000 0; do same_part good mnt/disk.wic $at 1000000; done
	same good mnt/disk.wic
	unmount mnt
done
