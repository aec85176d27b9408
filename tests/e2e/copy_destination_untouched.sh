#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An existing destination is not emptied, and a new one not made, before image,
# map and the map's checksum have been found good.  COMPAT B1-3, B1-5.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 200:3
make_map image good.bmap
echo "precious" >out
cp out before

refused() {
	local message=$1; shift
	rm -f new
	run 1 "$BMAPTOOL" copy "$@" out
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	[ -z "$message" ] || says "$message"
	cmp out before >&2 || fail "the destination was touched: $message"
	run 1 "$BMAPTOOL" copy "$@" new
	[ ! -e new ] || fail "a destination was made: $message"
}

refused "No such file or directory" nosuch
refused "No such file or directory" --bmap good.bmap nosuch
refused "No such file or directory" --nobmap nosuch
refused "bmap file not found, please, use --nobmap option to flash without bmap" image
refused "cannot open bmap file 'nosuch.bmap':" --bmap nosuch.bmap image

sed 's/<MappedBlocksCount> 7/<MappedBlocksCount> 8/' good.bmap >bad.bmap
cmp -s good.bmap bad.bmap && fail "the test's own edit did nothing"
refused "checksum mismatch for bmap file 'bad.bmap': calculated '" --bmap bad.bmap image
: >empty.bmap
refused "" --bmap empty.bmap image
printf '<bmap' >cut.bmap
refused "" --bmap cut.bmap image
printf '<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n' >page.bmap
refused "" --bmap page.bmap image
refused "" --bmap . image

# The map says another size than the image has.
make_image small 524288 0:4
refused "cannot set image size to 1048576 bytes, it is known to be 524288 bytes" --bmap good.bmap small

# A compressed image whose very beginning is broken.
printf '\037\213\010garbage' >broken.gz
refused "" --bmap good.bmap broken.gz
