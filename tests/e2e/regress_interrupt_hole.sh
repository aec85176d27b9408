#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A hole of 4 TiB in a sparse tar does not make the program deaf to SIGINT.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

truncate -s 4T disk.wic 2>/dev/null || skip "the filesystem has no files of 4 TiB"
dd if=/dev/urandom of=disk.wic bs=4096 count=1 conv=notrunc status=none
sync disk.wic
tar --format=posix -Scf image.tar disk.wic
gzip -1k image.tar
# busy PID: it has worked for 0.1 s.
busy() { [ "$(awk '{ print $14 + $15 }' "/proc/$1/stat")" -ge 10 ]; }
check() {
	local input=$1; shift
	env --default-signal=INT "$BMAPTOOL" copy --nobmap "$@" >stdout 2>stderr <"$input" &
	local pid=$!
	wait_for 5 busy "$pid" || fail "$*: it does not begin"
	kill -INT $pid || fail "$*: it is over"
	wait_exit 5 $pid || fail "$*: SIGINT does not end it"
	no_crash
	[ "$ENDED" = 1 ] || fail "$*: status $ENDED"
	says "interrupted, exiting"
	says_not "copying time"
}
check /dev/null image.tar /dev/null
check /dev/null image.tar.gz /dev/null
check image.tar.gz - /dev/null
