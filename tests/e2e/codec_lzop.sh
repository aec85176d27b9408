#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lzop files of every kind: levels, checksums, a stored block, several members.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_codec lzo
requires_command lzop

a_disk image 2
make_map image map
lzop -1 -c image >fast.lzo
lzop -3 -c image >usual.lzo
lzop -9 -c image >best.lzo
lzop -F -c image >nosum.lzo
lzop -C -c image >crc.lzo 2>/dev/null || lzop --crc32 -c image >crc.lzo || rm -f crc.lzo
head -c 700000 image >a; tail -c +700001 image >b
{ lzop -c a; lzop -c b; } >two.lzo
lzop -c <image >piped.lzo
for file in *.lzo; do
	# 2: a warning, that there is more than one member.
	lzop -t "$file" 2>/dev/null || [ $? = 2 ] || fail "the test's own $file"
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map "$file" out
	cmp image out >&2 || fail "$file"
	rm -f out
	run_stdin "$file" 0 "$BMAPTOOL" copy --nobmap - out
	cmp image out >&2 || fail "$file from standard input"
done
