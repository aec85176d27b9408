#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images of every awkward size, with nothing, something or all of it mapped,
# give the same bytes and the same holes as Python's bmaptool.
# COMPAT B2 Etcher (5000-byte image), caligula (bytes after the end), bmap-writer
# (trailing hole).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_command "$PYTHON_BMAPTOOL"

check() {
	local size=$1; shift
	make_image image "$size" "$@"
	make_map image
	run 0 "$BMAPTOOL" copy image ours
	silent_stdout
	[ "$(stat -c %s ours)" = "$size" ] || fail "size $size, ranges '$*': $(stat -c %s ours) bytes written"
	cmp image ours >&2 || fail "size $size, ranges '$*': wrong bytes"
	"$PYTHON_BMAPTOOL" -q copy image python 2>oracle.stderr || fail "oracle: $(cat oracle.stderr)"
	same python ours
	same_extents python ours
	rm -f ours python image image.bmap
}

MIB=1048576
check 1
check 1 0:1
check 4095 0:1
check 4096
check 4096 0:1
check 4097 0:2
check 4097 1:1
check 5000 0:1
check 5000 1:1
check $((MIB - 1)) 0:256
check $MIB 3:7 100:1 255:1
check $((MIB + 1)) 256:1
check $((MIB + 4096)) 255:2
check $((8 * MIB - 4096)) 0:1 2046:1
check $((8 * MIB - 1)) 1:2047
check $((8 * MIB))
check $((8 * MIB)) 0:2048
check $((8 * MIB + 1)) 2047:2
check $((8 * MIB + 4097)) 0:1 255:2 511:600 2049:1
