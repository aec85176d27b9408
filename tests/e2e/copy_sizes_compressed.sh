#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same sizes, compressed: decoding goes on to the end of the stream, the
# destination has exactly ImageSize bytes.  COMPAT B2 bmap-writer (trailing hole
# lost), caligula (stale bytes after the end).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

check() {
	local how=$1 size=$2; shift 2
	make_image image "$size" "$@"
	make_map image
	compress "$how" image "image.$(suffix_of "$how")"
	mv image original
	run 0 "$BMAPTOOL" copy "image.$(suffix_of "$how")" ours
	cmp original ours >&2 || fail "$how of $size bytes, ranges '$*'"
	rm -f image* ours original
}

MIB=1048576
for codec in $(codecs); do
	check "$codec" 1 0:1
	check "$codec" 5000 0:2
	check "$codec" $((MIB + 1)) 3:5 256:1
	check "$codec" $((2 * MIB)) 0:10
done
check gzip $((8 * MIB + 4097)) 0:1 2047:2
check xz $((8 * MIB)) 
check gzip $((8 * MIB - 1)) 0:2048
check xz-blocks $((8 * MIB + 1)) 63:2 2047:2
