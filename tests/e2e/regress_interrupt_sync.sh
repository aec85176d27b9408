#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A signal during the last synchronization ends the copy with 1, and the
# device's scheduler and max_ratio are put back.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_loop
requires_command fsfreeze mke2fs

# A device that can be stopped: its file lies in a filesystem that can be frozen.
loop_device below 24M
mke2fs -q -F "$LOOP" || fail "mke2fs"
mkdir frozen
mount "$LOOP" frozen || skip "cannot mount"
# Whatever stands on it may take a moment to let go.
at_exit "wait_for 5 umount '$WORK/frozen'"
loop_device frozen/disk 8M
sync
sys=/sys/block/${LOOP##*/}
scheduler() { sed -n 's/.*\[\(.*\)\].*/\1/p' "$sys/queue/scheduler"; }
echo 37 2>/dev/null >"$sys/bdi/max_ratio" || skip "max_ratio cannot be set"
for other in mq-deadline bfq kyber none; do
	echo "$other" 2>/dev/null >"$sys/queue/scheduler" && break
done
make_image image 4M 0:1 10:50
run 0 "$BMAPTOOL" create -o image.bmap image
mkfifo data
frozen=
thaw() { [ -z "$frozen" ] || fsfreeze -u "$WORK/frozen"; frozen=; }
copy=
# shellcheck disable=SC2016 # at the exit is meant
at_exit 'thaw; exec 7>&-; [ -z "$copy" ] || kill -9 "$copy"'

for signal in TERM INT; do
	dd if=/dev/zero of="$LOOP" bs=1M count=4 conv=fsync status=none
	env --default-signal=INT "$BMAPTOOL" copy --bmap image.bmap - "$LOOP" <data >stdout 2>stderr &
	copy=$!
	exec 7>data
	head -c 3M image >&7
	# All that is mapped is written, and on the medium; the end is awaited.
	wait_for 5 cmp -s -n 262144 image "$LOOP" || fail "the copy does not begin"
	sync "$LOOP"
	[ "$(cat "$sys/bdi/max_ratio")" = 1 ] || fail "max_ratio is not 1 during the copy"
	# Now the medium stands still, and something else is to be written to it.
	fsfreeze -f frozen || skip "cannot freeze"
	frozen=yes
	dd if=/dev/urandom of="$LOOP" bs=64k count=1 seek=100 conv=notrunc status=none
	tail -c 1M image >&7
	exec 7>&-
	wait_for 5 grep -q synchronizing stderr || fail "it does not come to the end"
	sleep 0.2
	! _gone "$copy" || fail "the frozen medium does not hold it"
	kill -"$signal" "$copy"
	sleep 0.2
	thaw
	wait_exit 5 "$copy" || fail "SIG$signal does not end it"
	no_crash
	[ "$ENDED" = 1 ] || fail "status $ENDED after SIG$signal"
	[ "$(cat "$sys/bdi/max_ratio")" = 37 ] || fail "SIG$signal: max_ratio is $(cat "$sys/bdi/max_ratio")"
	[ "$(scheduler)" = "$other" ] || fail "SIG$signal: the scheduler is $(scheduler)"
	says "interrupted, exiting"
	says_not "copying time"
	cmp -n 4194304 image "$LOOP" >&2 || fail "SIG$signal: not all is there"
done
