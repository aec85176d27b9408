#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A server that falls silent does not make the program deaf: a signal ends the
# copy at once, while the image is awaited and while its map is.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image 1500000 0:300
make_map www/image
gzip -1k www/image
start_server www
check() {
	local path=$1 signal=$2; shift 2
	# A background job of a script has SIGINT ignored; programs inherit that.
	env --default-signal=INT "$BMAPTOOL" copy "$@" out >stdout 2>stderr </dev/null &
	local pid=$!
	wait_for 10 grep -q " $path " "$LOG" || failed "$path is not asked for"
	kill -"$signal" $pid
	wait_exit 5 $pid || failed "SIG$signal does not end it"
	no_crash
	case $ENDED in
	1 | 130 | 143) ;;
	*) fail "status $ENDED after SIG$signal" ;;
	esac
	says_not "copying time"
	rm -f out
}
rules "/image.gz stall=100000"
check /image.gz INT --nobmap "$URL/image.gz"
rules "/image.gz stall=0"
check /image.gz TERM --nobmap "$URL/image.gz"
rules "/image.bmap stall=100"
check /image.bmap INT "$URL/image"
rules "/image stall=500000"
check /image TERM --bmap www/image.bmap "$URL/image"
# A slow server is not a silent one.
rules "/image.gz slow=1000000"
run 0 "$BMAPTOOL" copy --nobmap "$URL/image.gz" out
same www/image out
