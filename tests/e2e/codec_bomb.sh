#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A few kilobytes that decode to gigabytes of zeros do not fill memory, and a map
# ends what is accepted: the stream is larger than ImageSize, which is an error.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

RUN_TIMEOUT=30
make_image image 1048576 0:4 200:3
make_map image map
for codec in $(codecs); do
	case $codec in
	xz | bzip2) { cat image; head -c 100M /dev/zero; } | $codec -1 -c >bomb ;;
	*) { cat image; head -c 300M /dev/zero; } | $codec -q -1 -c >bomb ;;
	esac
	rm -f out
	run_small 1 96 "$BMAPTOOL" copy --bmap map bomb out
	no_crash
	says "ERROR"
	[ ! -e out ] || [ "$(stat -c %s out)" -le 1048576 ] || fail "$codec: written behind ImageSize"
done
