#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The index that the first mount of a plain gzip image made is kept, and makes the
# second read anywhere at once; so does one that is published beside the image.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www index
make_image disk.wic 8388608 0:1800
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
gzip -1nc disk.wic >www/disk.wic.gz
size=$(stat -c %s www/disk.wic.gz)
start_server www
export XDG_CACHE_HOME=$PWD/index
# The hole at the end is decoded too, by itself: only then the index is whole.
is_decoded() { [ "$(statistic mnt/disk.wic decoded_bytes)" -ge 8388608 ]; }
late() { read_part mnt/disk.wic 7000000 4096 | cmp -n 4096 -i 0:7000000 - disk.wic >&2 || fail "a late place"; }
for source in "$PWD/www/disk.wic.gz" "$URL/disk.wic.gz"; do
	rm -rf index/*
	mount_image --index-step 512K "$source" mnt
	says_re 'WARNING: .*disk.wic.gz.*index'
	same disk.wic mnt/disk.wic
	wait_for 10 is_decoded || fail "the hole at the end was not decoded"
	[ "$(statistic mnt/disk.wic decoded_bytes)" -le 8500000 ] || fail "decoded more than once"
	unmount mnt
	[ -n "$(ls -A index/bmapfs)" ] || fail "no index was kept"
	[ "$(stat -c %a index/bmapfs)" = 700 ] || fail "others may look into the folder of indexes"
	mount_image --index-step 512K "$source" mnt
	says_not WARNING
	[ "$(statistic mnt/disk.wic pieces)" -ge 8 ] || fail "$(statistic mnt/disk.wic pieces) pieces"
	late
	[ "$(statistic mnt/disk.wic decoded_bytes)" -le 2000000 ] || fail "$(statistic mnt/disk.wic decoded_bytes) decoded for one place"
	[ "$(statistic mnt/disk.wic fetched_bytes)" -le $((size / 2)) ] || fail "$(statistic mnt/disk.wic fetched_bytes) of $size fetched"
	same disk.wic mnt/disk.wic
	unmount mnt
	# Only a part was read: the index reaches as far, and grows.
	rm -rf index/*
	mount_image --index-step 512K "$source" mnt
	same_part disk.wic mnt/disk.wic 3000000 4096
	unmount mnt
	mount_image --index-step 512K "$source" mnt
	late
	same disk.wic mnt/disk.wic
	unmount mnt
done
