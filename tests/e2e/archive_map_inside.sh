#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map that lies in the archive, as MEMBER.bmap or .meta/image.bmap, is used;
# its checksums then guard the image.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image disk.wic 2097152 0:4 100:30 500:2
make_map disk.wic
mkdir -p .meta meta/.meta www
cp disk.wic.bmap .meta/image.bmap

check() {
	local file=$1
	rm -f out
	run 0 "$BMAPTOOL" copy "$file" out
	cmp disk.wic out >&2 || fail "$file"
	says "mapped 36 blocks"
	says "block map format version 2.0"
	[ "$(stat -c %b out)" -lt 1000 ] || fail "$file: the map was not used"
}
tar -czf before.tar.gz disk.wic.bmap disk.wic
tar -czf after.tar.gz disk.wic disk.wic.bmap
tar -cf before.tar disk.wic.bmap disk.wic
tar -czf meta.tar.gz .meta/image.bmap disk.wic
tar -czf dotted.tar.gz ./.meta/image.bmap ./disk.wic
zip -q before.zip disk.wic.bmap disk.wic
zip -q after.zip disk.wic disk.wic.bmap
zip -q meta.zip disk.wic .meta/image.bmap
for file in before.tar.gz after.tar.gz before.tar meta.tar.gz dotted.tar.gz before.zip after.zip meta.zip; do
	check "$file"
done

# Over HTTP.
cp before.tar.gz before.zip www
start_server www
check "$URL/before.tar.gz"
check "$URL/before.zip"

# --nobmap leaves it alone; --bmap wins.
rm -f out
run 0 "$BMAPTOOL" copy --nobmap before.tar.gz out
says "no bmap given"
same disk.wic out
sed 's/chksum="[0-9a-f]*"/chksum="'"$(printf '0%.0s' {1..64})"'"/' disk.wic.bmap >wrong.bmap
fix_checksum wrong.bmap
run 1 "$BMAPTOOL" copy --bmap wrong.bmap before.tar.gz out
says "checksum mismatch for blocks range"

# A wrong map inside is an error.
mv wrong.bmap disk.wic.bmap
tar -czf wrong.tar.gz disk.wic.bmap disk.wic
rm -f out
run 1 "$BMAPTOOL" copy wrong.tar.gz out
no_crash
says "checksum mismatch for blocks range"
