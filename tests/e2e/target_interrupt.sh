#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGINT and SIGTERM in the middle of a copy to a device: a sentence, exit 1,
# scheduler and max_ratio are put back (COMPAT.md B1-24, C5).
. "${0%/*}/common.sh" || exit 99
loop_device disk 8M
sys=/sys/block/${LOOP##*/}
scheduler() { sed -n 's/.*\[\(.*\)\].*/\1/p' "$sys/queue/scheduler"; }
echo 37 2>/dev/null >"$sys/bdi/max_ratio"
for other in mq-deadline bfq kyber none; do
	echo "$other" 2>/dev/null >"$sys/queue/scheduler" && break
done
ratio=$(cat "$sys/bdi/max_ratio")
make_image image 4M 0:1 10:500 1000:24
run 0 "$BMAPTOOL" create -o image.bmap image
gzip -k image

interrupt() {
	local signal=$1 source=$2 status i
	shift 2
	rm -f data
	mkfifo data
	# A shell without job control makes its children ignore SIGINT.
	env --default-signal=INT "$BMAPTOOL" copy "$@" - "$LOOP" <data >stdout 2>stderr &
	copy=$!
	exec 7>data
	head -c 1M "$source" >&7
	# The device is being written: its first block is there.
	for ((i = 0; i < 200; i++)); do
		grep -q "copying image\|no bmap given" stderr &&
			{ [ "$ratio" != 37 ] || [ "$(cat "$sys/bdi/max_ratio")" = 1 ]; } && break
		sleep 0.05
	done
	grep -q "copying image\|no bmap given" stderr || fail "$signal: the copy does not begin"
	kill -s "$signal" "$copy"
	for ((i = 0; i < 100; i++)); do
		kill -0 "$copy" 2>/dev/null || break
		sleep 0.05
	done
	! kill -0 "$copy" 2>/dev/null || { kill -9 "$copy"; fail "$signal does not end the copy within 5 s"; }
	wait "$copy"
	status=$?
	exec 7>&-
	no_crash
	silent_stdout
	[ "$status" = 1 ] || fail "$signal: status $status"
	says "interrupted, exiting"
	says_not "copying time"
	[ "$(cat "$sys/bdi/max_ratio")" = "$ratio" ] || fail "$signal: max_ratio is $(cat "$sys/bdi/max_ratio")"
	[ "$(scheduler)" = "$other" ] || fail "$signal: the scheduler is $(scheduler)"
}
interrupt INT image --bmap image.bmap
interrupt TERM image --bmap image.bmap
interrupt HUP image --bmap image.bmap
interrupt INT image --nobmap
interrupt INT image.gz --bmap image.bmap
# The device is free again.
run 0 "$BMAPTOOL" copy image "$LOOP"
