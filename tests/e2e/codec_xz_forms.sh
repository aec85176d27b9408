#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xz's other shapes: each check, BCJ and delta filters, one block, several
# streams; the old .lzma is decoded or refused by name, never copied raw.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 1
make_map image map
xz -0 -C none -c image >none.xz
xz -0 -C crc32 -c image >crc32.xz
xz -0 -C sha256 -T2 --block-size=200000 -c image >sha256.xz
xz -C crc64 --x86 --lzma2=preset=0 -c image >x86.xz
xz --delta=dist=4 --lzma2=preset=0 -c image >delta.xz
{ xz -0 --block-size=100000 -c image | cat; } >blocks.xz
for file in *.xz; do
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map "$file" out
	same image out
	rm -f out
	run_stdin "$file" 0 "$BMAPTOOL" copy --nobmap - out
	same image out
done
xz --format=lzma -0 -c image >image.lzma
rm -f out
timeout 30 "$BMAPTOOL" copy --bmap map image.lzma out >stdout 2>stderr </dev/null
case $? in
0) same image out ;;
1) no_crash; says "ERROR" ;;
*) fail "neither 0 nor 1" ;;
esac
