#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map may itself be compressed.  COMPAT B1-23.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:3
make_map image map.bmap
for codec in $(codecs); do
	file=map.bmap.$(suffix_of "$codec")
	compress "$codec" map.bmap "$file"
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap "$file" image out
	same image out
done
head -c 300 map.bmap.gz >cut.bmap.gz
run 1 "$BMAPTOOL" copy --bmap cut.bmap.gz image new
no_crash
says "ERROR"
[ ! -e new ] || fail "new was made"
