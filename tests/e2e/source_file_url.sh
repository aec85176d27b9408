#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# file:// URLs: image, discovery of the map, --bmap, and what is missing.
# COMPAT C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image.wic 1048576 0:4 100:3
make_map image.wic
gzip -1k image.wic
for url in "file://$PWD/image.wic" "file://$PWD/image.wic.gz" "file://localhost$PWD/image.wic.gz"; do
	rm -f out
	run 0 "$BMAPTOOL" copy "$url" out
	same image.wic out
	says "discovered bmap file"
done
rm -f out
run 0 "$BMAPTOOL" copy --bmap "file://$PWD/image.wic.bmap" image.wic.gz out
same image.wic out
run 1 "$BMAPTOOL" copy --nobmap "file://$PWD/nosuch.wic" new
no_crash
says "nosuch.wic"
[ ! -e new ] || fail "new was made"
