#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --range-size caps the length of a range: adjacent ranges, each with its own
# checksum, which Python's copy reads as well (issue 2; DESIGN.md 6).
. "${0%/*}/common.sh" || exit 99
requires_command "$PYTHON_BMAPTOOL"
make_image image 1000001 0:1 10:100 200:45

run 0 "$BMAPTOOL" create -o whole.bmap image
for size in 64K 65536 64k; do
	run 0 "$BMAPTOOL" create --range-size "$size" -o ranges.bmap image
	check_map layout ranges.bmap
	check_map verify ranges.bmap image
	[ "$(check_map get ranges.bmap longest)" = 16 ] || fail "$size: the longest range is not 16 blocks"
	[ "$(check_map blocks ranges.bmap)" = "$(check_map blocks whole.bmap)" ] || fail "$size: other blocks are mapped"
done
[ "$(check_map get whole.bmap ranges | wc -l)" = 3 ] || fail "not three ranges without the option"

for tool in "$BMAPTOOL" "$PYTHON_BMAPTOOL"; do
	run 0 "$tool" copy --bmap ranges.bmap image copy
	same image copy
	rm copy
done

# One block a range is the least; larger than the image changes nothing.
run 0 "$BMAPTOOL" create --range-size 4K -o least.bmap image
check_map verify least.bmap image
[ "$(check_map get least.bmap longest)" = 1 ] || fail "a range of more than one block"
run 0 "$BMAPTOOL" create --range-size 1G -o most.bmap image
same whole.bmap most.bmap

for bad in 0 -1 64X much 99999999999999999999 ''; do
	"$BMAPTOOL" create --range-size "$bad" -o bad.bmap image >stdout 2>stderr </dev/null
	case $? in 1 | 2) ;; *) fail "--range-size '$bad' is accepted" ;; esac
	no_crash
	[ ! -s bad.bmap ] || fail "--range-size '$bad': a map was written"
done
