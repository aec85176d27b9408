#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A signal while an image is read for its map ends `create` with 1 and without a
# map, not with the map of what had been read.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

# reads BYTES: the process $pid has read so much.
reads() { [ "$(sed -n 's/^rchar: //p' "/proc/$pid/io" 2>/dev/null || echo 0)" -ge "$1" ]; }
# interrupted SIGNAL CONDITION...: `create` with the arguments $arguments.
interrupted() {
	local signal=$1; shift
	env --default-signal=INT "$BMAPTOOL" create -o map "${arguments[@]}" >stdout 2>stderr </dev/null &
	pid=$!
	wait_for 5 "$@" || fail "it does not begin"
	kill -"$signal" "$pid" || fail "it was too fast for this test"
	wait_exit 5 "$pid" || fail "SIG$signal does not end it"
	no_crash
	silent_stdout
	[ "$ENDED" = 1 ] || fail "status $ENDED after SIG$signal: create ${arguments[*]}"
	says "interrupted, exiting"
	[ ! -s map ] || fail "a map was written"
	rm -f map
}

mkdir www
head -c 2000000 /dev/urandom >www/image
gzip -1k www/image
start_server www
rules "/image.gz stall=500000"
arguments=(--detect-zeroes "$URL/image.gz")
stalled() { grep -q " /image.gz " "$LOG"; }
interrupted INT stalled
rules "/image.gz slow=200000"
interrupted TERM stalled

# Of a large file: as it is stored, and looked through for zeros.
[ "$(df --output=avail -B1M . | tail -1)" -gt 2000 ] || skip "needs 1 GB"
head -c 700M /dev/zero | tr '\0' x >big
for signal in INT TERM; do
	arguments=(big)
	interrupted "$signal" reads 10000000
	arguments=(--detect-zeroes big)
	interrupted "$signal" reads 10000000
done
