#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Maps of every version, ranges in any order and spelling, with any digest:
# the copy is the image (COMPAT.md C6).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
head -c 1000000 /dev/zero >zeros

n=0
for map in maps/good-*.bmap; do
	rm -f copy
	run 0 "$BMAPTOOL" copy --bmap "$map" maps/image copy
	silent_stdout
	no_crash
	says_not ERROR
	case $map in
	*nothing-mapped*) same zeros copy ;;
	*) same maps/image copy; says "mapped 76 blocks (" ;;
	esac
	n=$((n + 1))
done
[ "$n" -ge 20 ] || fail "only $n maps"

for version in 1.0 1.1 1.2 1.3 1.4 2.0; do
	run 0 "$BMAPTOOL" copy --bmap "maps/good-$version.bmap" maps/image copy
	says "block map format version $version"
done
