#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGINT ends the copy of a remote archive whose server has fallen silent in the
# middle of the image: an uncompressed tar, a zip.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
head -c 3000000 /dev/urandom >disk.wic
make_map disk.wic map
tar -cf www/image.tar disk.wic
zip -q -1 www/image.zip disk.wic
zip -q -0 www/stored.zip disk.wic
gzip -1k www/image.tar
start_server www
check() {
	local path=$1 begun=$2; shift 2
	rules "$path stall=1000000"
	env --default-signal=INT "$BMAPTOOL" copy "$@" "$URL$path" out >stdout 2>stderr </dev/null &
	local pid=$!
	wait_for 5 grep -q "$begun" stderr || failed "$path: the copy does not begin"
	kill -INT $pid || failed "$path is over"
	wait_exit 5 $pid || failed "$path: SIGINT does not end it"
	no_crash
	[ "$ENDED" = 1 ] || failed "$path: status $ENDED"
	says "interrupted, exiting"
	says_not "copying time"
	rm -f out
}
for path in /image.tar /image.zip /stored.zip /image.tar.gz; do
	check $path "no bmap given" --nobmap
	check $path "copying image" --bmap map
done
