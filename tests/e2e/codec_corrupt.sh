#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A byte that was turned over inside a compressed image is found by the codec's
# own checksum, also without a map.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:100 150:20
for how in $(codecs) xz-blocks; do
	case $how in
	zstd) zstd -q -1 --check -c image >whole ;;
	*) compress "$how" image whole ;;
	esac
	size=$(stat -c %s whole)
	for at in $((size / 4)) $((size / 2)); do
		"$PY" - $at <<-'END'
		import sys
		data = bytearray(open("whole", "rb").read())
		data[int(sys.argv[1])] ^= 0x10
		open("bad", "wb").write(data)
		END
		rm -f out
		run 1 "$BMAPTOOL" copy --nobmap bad out
		no_crash
		says "bmaptool: ERROR: "
		says_not "copying time"
		run_stdin bad 1 "$BMAPTOOL" copy --nobmap - out
		no_crash
	done
done
