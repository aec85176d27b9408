#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A byte that is not what the map says is never handed out, under window and
# strict: EIO for its range, one line in the log that names range and file, all
# else can be read.  --verify=off hands it out.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 4194304 10:50 600:20 900:1
a_map disk.wic
cp disk.wic good
printf 'Z' | dd of=disk.wic bs=1 seek=$((610 * 4096 + 77)) conv=notrunc status=none
xz -0 -T2 --block-size=262144 -c disk.wic >disk.wic.xz
check() {
	local source=$1 how=$2
	mount_foreground --verify="$how" "$source" mnt
	# Not even its blocks that are good.
	eio mnt/disk.wic $((601 * 4096)) 4096
	eio mnt/disk.wic $((619 * 4096)) 4096
	eio mnt/disk.wic $((610 * 4096)) 4096
	same_part good mnt/disk.wic 0 $((600 * 4096))
	same_part good mnt/disk.wic $((620 * 4096)) $((404 * 4096))
	[ "$(statistic mnt/disk.wic verified_ranges)" = 2 ] || fail "$source, $how: $(statistic mnt/disk.wic verified_ranges) ranges verified"
	unmount mnt
	wait_exit 5 "$DAEMON"
	[ "$(grep -c 'checksum mismatch for blocks range 600-619' mount.log)" = 1 ] || fail "$source, $how: the log: $(cat mount.log)"
	grep -F 'range 600-619' mount.log | grep -qF "$source" || fail "$source, $how: not named in the log: $(cat mount.log)"
}
for source in disk.wic disk.wic.xz; do
	check $source window
	check $source strict
	mount_image --verify=off $source mnt
	same disk.wic mnt/disk.wic
	[ "$(statistic mnt/disk.wic verified_ranges)" = 0 ] || fail "verified all the same"
	unmount mnt
done
run 2 "$BMAPFS" --verify=some disk.wic mnt
