#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --nobmap copies everything: no map is looked for, the message says so, a larger
# old file is cut to the image's size.  COMPAT C2, C3.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1100001 0:4 200:3 268:1
make_map image
sed 's/[0-9a-f]\{64\}/bad/' image.bmap >x && mv x image.bmap
head -c 3000000 /dev/zero | tr '\0' '\252' >out
run 0 "$BMAPTOOL" copy --nobmap image out
same image out
silent_stdout
says "bmaptool: info: no bmap given, copy entire image to 'out'"
says_not "bmap file"
says "bmaptool: info: synchronizing 'out'"
says_re '^bmaptool: info: copying time: [0-9hms. ]+, copying speed [0-9.]+ [MKiBbytes]+/sec'

for codec in $(codecs); do
	compress "$codec" image "image.$(suffix_of "$codec")"
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap "image.$(suffix_of "$codec")" out
	same image out
done

# Options may follow, and an empty image is an image.
rm -f out
run 0 "$BMAPTOOL" copy image out --nobmap
same image out
: >empty
run 0 "$BMAPTOOL" copy --nobmap empty out
[ ! -s out ] || fail "out is not empty"
