#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Progress: on a terminal lines "bmaptool: info: N% copied", rising to 100;
# nowhere else, not with -q or -d (COMPAT.md C7).
. "${0%/*}/common.sh" || exit 99
requires_command script
make_image image 8M 0:2048
run 0 "$BMAPTOOL" create -o image.bmap image
run 0 "$BMAPTOOL" copy image copy
says_not "% copied"

terminal() {
	local command
	printf -v command '%q ' "$@"
	timeout 30 script -qec "$command" /dev/null </dev/null >screen 2>script.log || fail "$* fails: $(cat -v screen)"
}
export TERM=xterm

# A slow source, so that there is something to see: the image comes through a
# FIFO that waits.
mkfifo data
{ for ((i = 0; i < 8; i++)); do tail -c +$((i * 1048576 + 1)) image | head -c 1048576; sleep 0.2; done; } >data &
terminal sh -c "'$BMAPTOOL' copy --bmap image.bmap - copy <data"
wait $!
same image copy
tr '\r' '\n' <screen | grep -oE 'bmaptool: info: [0-9]+% copied' | grep -oE '[0-9]+' >numbers
[ "$(wc -l <numbers)" -ge 2 ] || fail "no progress: $(cat -v screen)"
sort -n -c numbers || fail "it goes backwards: $(paste -s numbers)"
[ "$(tail -1 numbers)" = 100 ] || fail "it ends at $(tail -1 numbers) per cent"
grep -q "copying time: " screen || fail "no end: $(cat -v screen)"
# The messages stand in lines of their own.
tr -d '\r' <screen | grep -qE '^bmaptool: info: copying time: .*/sec$' || fail "the last message is not alone in its line: $(cat -v screen)"

for option in -q -d; do
	terminal "$BMAPTOOL" "$option" copy image copy
	! grep -q "% copied" screen || fail "progress with $option"
done
# One of the two streams is no terminal.
terminal sh -c "'$BMAPTOOL' copy image copy >out"
! grep -q "% copied" screen || fail "progress with stdout in a file"
[ ! -s out ] || fail "stdout is not empty"
terminal sh -c "'$BMAPTOOL' copy image copy 2>err"
! grep -q "% copied" err || fail "progress in a file"

# Size not known: no percentage, and it ends.
gzip -kf image
terminal sh -c "'$BMAPTOOL' copy --nobmap - copy <image.gz"
same image copy
! grep -q "[0-9]% copied" screen || fail "a percentage of what is not known: $(cat -v screen)"
