#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What nobody reads is not fetched: for 4 KiB from the middle of an image of xz
# blocks no more than a piece, the index and the map cross the network, and
# without a reader nothing of the pieces does.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 16777216 0:3072
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
xz -0 -T2 --block-size=1048576 -c disk.wic >www/disk.wic.xz
start_nginx www
# The sum of the bytes of all answers with a body of path $1.
sent() { awk -v p="$1" '$7 == p && $6 == "\"GET" { n += $10 } END { print n + 0 }' nginx/access.log; }
map=$(stat -c %s www/disk.wic.bmap)
for source in disk.wic.bmap disk.wic.xz; do
	: >nginx/access.log
	mount_image "$URL/$source" mnt
	ls -ls mnt >ls.out
	at_mount=$(sent /disk.wic.xz)
	# Magic, index, footer.
	[ "$at_mount" -le 131072 ] || fail "$at_mount bytes of the image at mount"
	[ "$(sent /disk.wic.bmap)" = "$map" ] || fail "the map: $(sent /disk.wic.bmap) bytes of $map"
	same_part disk.wic mnt/disk.wic 6300000 4096
	fetched=$(statistic mnt/disk.wic fetched_bytes)
	n=$(sent /disk.wic.xz)
	[ $((n - at_mount)) -le 1100000 ] || fail "$((n - at_mount)) bytes for one read"
	[ $((n - at_mount)) -ge 1000000 ] || fail "$((n - at_mount)) bytes cannot be right"
	if [ "$fetched" -gt $((n + map)) ] || [ "$fetched" -lt $((n - at_mount)) ]; then
		fail "fetched_bytes is $fetched, sent were $n"
	fi
	# Once more, and beside it: nothing new.
	same_part disk.wic mnt/disk.wic 6500000 50000
	[ "$(sent /disk.wic.xz)" = "$n" ] || fail "the same piece was fetched again"
	# A hole costs nothing.
	same_part disk.wic mnt/disk.wic 13000000 2000000
	[ "$(sent /disk.wic.xz)" = "$n" ] || fail "a hole was fetched"
	# Front to back: each piece once.
	same disk.wic mnt/disk.wic
	[ "$(sent /disk.wic.xz)" -le $(($(stat -c %s www/disk.wic.xz) + 131072)) ] || fail "$(sent /disk.wic.xz) bytes for the whole"
	unmount mnt
done
