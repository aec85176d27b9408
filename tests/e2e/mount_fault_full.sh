#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No room for what is decoded, while the server has fallen silent: the reader gets that error
# and the mount can be taken away, and neither waits for the network.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse
requires_root

mkdir www narrow
make_image disk.wic 4194304 0:1024
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
gzip -1 -c disk.wic >www/disk.wic.gz
start_server www
mount -t tmpfs -o size=1m none narrow || fail "tmpfs"
at_exit "umount narrow || umount -l narrow"
no_room() {
	timeout -k 1 10 dd if=mnt/disk.wic of=/dev/null bs=4096 skip=768 count=1 2>dd.stderr && fail "it could be read"
	grep -q 'No space left' dd.stderr || fail "not at once, or another error: $(cat dd.stderr)"
}
for stall in 1150000 1200000 1250000; do
	rules ""
	TMPDIR=$WORK/narrow mount_foreground --timeout=60 --retries=0 "$URL/disk.wic.gz" mnt
	no_room
	rules "/disk.wic.gz stall=$stall"
	no_room
	timeout -k 1 5 umount mnt || fail "not unmounted"
	wait_for 10 _gone "$DAEMON" || fail "the daemon waits for the server"
	wait "$DAEMON"
done
no_reports
