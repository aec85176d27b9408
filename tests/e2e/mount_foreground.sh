#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -f stays in the foreground and logs to stderr; SIGTERM, SIGINT and an unmounting
# end it with 0, and the mount is gone.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1000000 0:1 10:5
a_map disk.wic
for how in TERM INT HUP unmount; do
	mkdir -p mnt
	at_exit "_clear $PWD/mnt"
	env --default-signal=INT,HUP "$BMAPFS" -f disk.wic mnt >stdout 2>stderr </dev/null &
	pid=$!
	wait_for 10 is_mounted mnt || fail "not mounted"
	same disk.wic mnt/disk.wic
	if [ $how = unmount ]; then
		fusermount3 -u mnt || umount mnt
	else
		kill -$how $pid
	fi
	wait_exit 10 $pid || fail "$how does not end it"
	[ "$ENDED" = 0 ] || fail "$how: status $ENDED"
	no_crash
	! is_mounted mnt || fail "$how: still mounted"
	ls mnt >/dev/null || fail "$how: a dead mount point"
	silent_stdout
done
# -d says what it does, and sums up at the end.
"$BMAPFS" -d disk.wic mnt >stdout 2>stderr </dev/null &
pid=$!
wait_for 10 is_mounted mnt || fail "not mounted"
same disk.wic mnt/disk.wic
unmount mnt
wait_exit 10 $pid || fail "-d does not end"
says_re 'debug: .*fetched.*decoded.*verified'
