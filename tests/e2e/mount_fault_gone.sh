#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The server is gone: reads fail with EIO, in time; what is cached can be read;
# when it is back, so are they.  The mount stays all the time.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 8388608 0:2048
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
xz -0 -T2 --block-size=262144 -c disk.wic >www/disk.wic.xz
cp disk.wic www/disk.wic
start_server www
for file in disk.wic disk.wic.xz; do
	rules ""
	mount_foreground --retries 1 --timeout 2 "$URL/$file" mnt
	same_part disk.wic mnt/disk.wic 1048576 4096
	# No answers that serve, and connections that are cut at once.
	for how in status=404 reset=0; do
		rules "/$file $how"
		eio mnt/disk.wic 4194304 4096
		same_part disk.wic mnt/disk.wic 1048576 4096
		is_mounted mnt || fail "not mounted any more"
		[ -d "/proc/$DAEMON" ] || fail "the daemon is gone: $(cat mount.log)"
		[ "$(stat -c %s mnt/disk.wic)" = 8388608 ] || fail "stat"
	done
	rules ""
	same_part disk.wic mnt/disk.wic 4194304 4096
	same disk.wic mnt/disk.wic
	unmount mnt
	grep -q ERROR mount.log || fail "nothing in the log"
	grep ERROR mount.log | grep -qF "$file" || fail "the log does not name the image: $(cat mount.log)"
	cp mount.log stderr; no_crash; : >stderr
done
