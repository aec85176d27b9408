#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pieces that are larger than --memory go into a temporary file that nobody sees:
# the daemon stays small and every byte is right.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 33554432 0:1000 3000:1000 5000:3000
run 0 "$BMAPTOOL" create --range-size 1M -o disk.wic.bmap disk.wic
xz -0 -T1 --block-size=16777216 -c disk.wic >disk.wic.xz
xz -0 -T1 -c disk.wic >single.xz
mkdir temporary
export TMPDIR=$PWD/temporary
for file in disk.wic.xz single.xz; do
	mount_image --bmap disk.wic.bmap --memory 8M --threads 2 $file mnt
	seen=mnt/${file%.xz}
	same_part disk.wic "$seen" 30000000 100000
	same_part disk.wic "$seen" 5000 100000
	same disk.wic "$seen"
	[ -z "$(ls -A temporary)" ] || fail "a temporary file with a name: $(ls temporary)"
	peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$(daemons)/status")
	BMAPTOOL=$BMAPFS sanitized || [ "$peak" -le 48 ] || fail "$file: the daemon took $peak MiB"
	unmount mnt
done
