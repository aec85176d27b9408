#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 416 for a range that lies in the file is an error of that read; the last bytes
# of an image are asked for as they are.  COMPAT B2 httpdirfs, nbdkit curl.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
head -c 3000001 /dev/urandom >www/disk.wic
a_map www/disk.wic
start_server www
mount_image --retries 1 "$URL/disk.wic.bmap" mnt
rules "/disk.wic range416"
eio mnt/disk.wic 2500000 4096
rules ""
same_part www/disk.wic mnt/disk.wic 2999999 2
same www/disk.wic mnt/disk.wic
sed -n 's/.*range=bytes=\([0-9]*\)-\([0-9]*\) .*/\1 \2/p' "$LOG" >ranges
[ -s ranges ] || failed "no ranges in the log"
awk '$1 >= 3000001 || $2 >= 3000001 { exit 1 }' ranges || failed "a range behind the end was asked for"
unmount mnt
rules "/disk.wic range416"
# At mount: exit 1, or one pass without ranges.
"$BMAPFS" --retries 1 "$URL/disk.wic.bmap" mnt 2>stderr
case $? in
0) same www/disk.wic mnt/disk.wic; unmount mnt ;;
1) says_re '^bmapfs: ERROR: '; ! is_mounted mnt || fail "mounted" ;;
*) fail "no clean end" ;;
esac
