#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map that was edited after it was made, whose checksum is none, or whose
# lines end in CR LF: one sentence, destination untouched (COMPAT.md B1-27).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
refuses_maps "bad-checksum-*"
refuses_map maps/bad-checksum-crlf.bmap
says "checksum mismatch for bmap file 'maps/bad-checksum-crlf.bmap'"

# Any digit, any byte: a flip anywhere in the map is an error or, at most, not
# noticed where it changes nothing (never another copy).
head -c 1000000 /dev/zero >zeros
size=$(stat -c %s maps/good-2.0.bmap)
for ((at = 3; at < size; at += 37)); do
	cp maps/good-2.0.bmap flipped.bmap
	printf '\007' | dd of=flipped.bmap bs=1 seek="$at" conv=notrunc status=none
	echo precious >keep
	"$BMAPTOOL" copy --bmap flipped.bmap maps/image keep >stdout 2>stderr </dev/null
	[ $? = 1 ] || fail "a flip at byte $at is accepted"
	no_crash
	[ "$(cat keep)" = precious ] || fail "a flip at byte $at: the destination was touched"
done
