#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# While a device is written its scheduler is `none` and its max_ratio 1; both
# are put back after success and after a failure (COMPAT.md C5).
. "${0%/*}/common.sh" || exit 99
loop_device disk 8M
sys=/sys/block/${LOOP##*/}
scheduler() { sed -n 's/.*\[\(.*\)\].*/\1/p' "$sys/queue/scheduler"; }
[ -w "$sys/bdi/max_ratio" ] || skip "no max_ratio here"
echo 37 >"$sys/bdi/max_ratio" || skip "max_ratio cannot be set"
other=none
for other in mq-deadline bfq kyber none; do
	echo "$other" >"$sys/queue/scheduler" 2>/dev/null && break
done
echo "other scheduler: $other"
restored() {
	[ "$(cat "$sys/bdi/max_ratio")" = 37 ] || fail "$1: max_ratio is $(cat "$sys/bdi/max_ratio")"
	[ "$(scheduler)" = "$other" ] || fail "$1: the scheduler is $(scheduler)"
}
make_image image 4M 0:1 10:500 1000:24
run 0 "$BMAPTOOL" create -o image.bmap image

run 0 "$BMAPTOOL" copy image "$LOOP"
says_not WARNING
restored "after success"

# A copy that waits for its data shows what is set meanwhile.
mkfifo data
"$BMAPTOOL" copy --bmap image.bmap - "$LOOP" <data >stdout 2>stderr &
copy=$!
exec 7>data
head -c 1M image >&7
for ((i = 0; i < 200; i++)); do
	[ "$(cat "$sys/bdi/max_ratio")" = 1 ] && [ "$(scheduler)" = none ] && break
	sleep 0.05
done
[ "$(cat "$sys/bdi/max_ratio")" = 1 ] || fail "max_ratio is not 1 during the copy"
[ "$(scheduler)" = none ] || fail "the scheduler is not none during the copy"
tail -c +1048577 image >&7
exec 7>&-
wait "$copy" || fail "the copy from a FIFO failed"
restored "after a copy from a FIFO"

# A failure in the middle.
head -c 2M image >short
run_stdin short 1 "$BMAPTOOL" copy --bmap image.bmap - "$LOOP"
restored "after a short image"
printf x | dd of=image bs=1 seek=4100000 conv=notrunc status=none
run 1 "$BMAPTOOL" copy image "$LOOP"
says "checksum mismatch"
restored "after a checksum mismatch"
