#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the daemon has done stands in extended attributes of the image: getfattr -d
# lists them.  Passwords do not.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_command getfattr
mkdir www
make_image disk.wic 4194304 0:900
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
xz -0 -T2 --block-size=262144 -c disk.wic >www/disk.wic.xz
start_server www
mount_image "$URL/disk.wic.xz" mnt
run 0 getfattr -d mnt/disk.wic
for name in location codec pieces fetched_bytes decoded_bytes cache_hits verified_ranges; do
	grep -q "^user.bmapfs.$name=\"" stdout || fail "getfattr -d: no $name: $(cat stdout)"
done
[ "$(statistic mnt/disk.wic location)" = "$URL/disk.wic.xz" ] || fail "location"
[ "$(statistic mnt/disk.wic codec)" = xz ] || fail "codec"
[ "$(statistic mnt/disk.wic pieces)" = 16 ] || fail "$(statistic mnt/disk.wic pieces) pieces"
[ "$(statistic mnt/disk.wic decoded_bytes)" = 0 ] || fail "decoded before anybody read"
[ "$(statistic mnt/disk.wic verified_ranges)" = 0 ] || fail "verified before anybody read"
same_part disk.wic mnt/disk.wic 1048576 4096
[ "$(statistic mnt/disk.wic decoded_bytes)" = 262144 ] || fail "$(statistic mnt/disk.wic decoded_bytes) decoded"
[ "$(statistic mnt/disk.wic verified_ranges)" = 1 ] || fail "$(statistic mnt/disk.wic verified_ranges) verified"
same_part disk.wic mnt/disk.wic 1200000 4096
[ "$(statistic mnt/disk.wic cache_hits)" -ge 1 ] || fail "no cache hit"
same disk.wic mnt/disk.wic
[ "$(statistic mnt/disk.wic verified_ranges)" = 15 ] || fail "$(statistic mnt/disk.wic verified_ranges) verified"
# No more than came over the network.
sent=$(awk '$1 == "SENT" && $2 ~ /disk.wic/ { n += $3 } END { print n }' "$LOG")
[ "$(statistic mnt/disk.wic fetched_bytes)" -le "$sent" ] || fail "$(statistic mnt/disk.wic fetched_bytes) fetched, $sent sent"
! getfattr -n user.bmapfs.nosuch mnt/disk.wic 2>/dev/null || fail "nosuch"
unmount mnt
rules "* auth=me:secret"
mount_image "http://me:secret@${URL#http://}/disk.wic.xz" mnt
same disk.wic mnt/disk.wic
getfattr -d mnt/disk.wic | grep -q secret && fail "the password stands in the attributes"
grep mnt /proc/self/mounts | grep -q secret && fail "the password stands in the table of mounts"
unmount mnt
