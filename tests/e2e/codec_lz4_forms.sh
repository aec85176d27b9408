#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lz4's other shapes: block sizes, linked blocks, content size and checksums,
# stored blocks; the legacy format is decoded or refused, never copied raw.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_codec lz4
requires_command lz4

a_disk image 1
make_map image map
lz4 -q -B4 -c image >b4.lz4
lz4 -q -B7 -c image >b7.lz4
lz4 -q -BD -c image >linked.lz4
lz4 -q -BX --content-size -c image >sums.lz4
lz4 -q --no-frame-crc -c image >nocrc.lz4
lz4 -q -9 -c <image >best.lz4
for file in *.lz4; do
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map "$file" out
	same image out
	rm -f out
	run_stdin "$file" 0 "$BMAPTOOL" copy --nobmap - out
	same image out
done
lz4 -q -l -c image >legacy
rm -f out
timeout 30 "$BMAPTOOL" copy --bmap map legacy out >stdout 2>stderr </dev/null
case $? in
0) same image out ;;
1) no_crash; says "ERROR" ;;
*) fail "neither 0 nor 1" ;;
esac
