#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A server that falls silent: EIO after --timeout, as often as --retries says; one
# that is slow is not silent.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 4194304 0:1024
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
cp disk.wic www/disk.wic
start_server www
mount_image --timeout 1 --retries 0 "$URL/disk.wic" mnt
rules "/disk.wic stall=0"
eio mnt/disk.wic 2097152 4096
# Others go on meanwhile.  (The first reader gets its bytes in the end, since the
# kernel asks again for a page that its read-ahead did not bring.)
read_part mnt/disk.wic 3145728 4096 >part 2>/dev/null &
waiting=$!
wait_for 5 grep -q range=bytes=3145728 "$LOG" || failed "not asked for"
rules ""
same_part disk.wic mnt/disk.wic 1048576 4096
[ -d /proc/$waiting ] || fail "the reader did not wait"
wait $waiting || fail "an error when the server was back"
same_part disk.wic mnt/disk.wic 3145728 4096
unmount mnt
mount_image --timeout 1 --retries 1 "$URL/disk.wic" mnt
rules "/disk.wic stall=0 times=1"
same_part disk.wic mnt/disk.wic 3145728 4096
rules "/disk.wic slow=200000"
same_part disk.wic mnt/disk.wic 1048576 4096
unmount mnt
# While mounting.
rules "/disk.wic stall=0"
RUN_TIMEOUT=20 refuses_mount 'disk.wic' --timeout 1 --retries 0 "$URL/disk.wic" mnt
