#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Of a raw remote image only what is read is asked for, in few requests when it
# is read front to back; its holes are not.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image www/disk.wic 16777216 0:1024 3000:1000
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap www/disk.wic
start_nginx www
sent() { awk '$7 == "/disk.wic" && $6 == "\"GET" { n += $10 } END { print n + 0 }' nginx/access.log; }
mount_image "$URL/disk.wic.bmap" mnt
[ "$(sent)" -le 131072 ] || fail "$(sent) bytes at mount"
same_part www/disk.wic mnt/disk.wic 3000000 4096
[ "$(sent)" -le 1100000 ] || fail "$(sent) bytes for 4096"
same_part www/disk.wic mnt/disk.wic 5000000 5000000
[ "$(sent)" -le 1100000 ] || fail "$(sent) bytes after a hole was read"
: >nginx/access.log
same www/disk.wic mnt/disk.wic
[ "$(sent)" -le $((2024 * 4096 + 262144)) ] || fail "$(sent) bytes for $((2024 * 4096)) that are mapped"
n=$(grep -c '"GET /disk.wic ' nginx/access.log)
[ "$n" -le 40 ] || fail "$n requests for the whole"
grep '"GET /disk.wic ' nginx/access.log | grep -qv ' 206 ' && fail "a request without a range"
[ "$(statistic mnt/disk.wic codec)" = raw ] || fail "codec $(statistic mnt/disk.wic codec)"
unmount mnt
