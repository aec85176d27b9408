#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The content says how an image is compressed: upper-case, missing and wrong
# suffixes do not matter.  COMPAT B1-12, B2 bmap-rs (unknown extension).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:30 255:1
make_map image map
for codec in $(codecs); do
	compress "$codec" image data
	suffix=$(suffix_of "$codec")
	for name in "disk.${suffix^^}" disk disk.img disk.wic.GZ disk.xz; do
		cp data "$name"
		rm -f out
		run 0 "$BMAPTOOL" copy --bmap map "$name" out
		cmp image out >&2 || fail "$codec named $name, with a map"
		rm -f out
		run 0 "$BMAPTOOL" copy --nobmap "$name" out
		cmp image out >&2 || fail "$codec named $name, without a map"
	done
done
# A raw image that is called compressed.
for name in disk.gz disk.xz disk.zst disk.bz2; do
	cp image "$name"
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap "$name" out
	same image out
done
