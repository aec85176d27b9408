#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed standard input is recognised by its content, with a map and without.
# COMPAT B1-11.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 2097152 0:4 100:30 511:1
make_map image map
for how in $(codecs) xz-blocks; do
	compress "$how" image packed
	rm -f out
	run_stdin packed 0 "$BMAPTOOL" copy --bmap map - out
	silent_stdout
	cmp image out >&2 || fail "$how with a map"
	rm -f out
	# A pipe that delivers slowly and in odd portions.
	"$PY" -c '
import os
data = open("packed", "rb").read()
at, n = 0, 1
while at < len(data):
    at += os.write(1, data[at:at + n])
    n = min(n * 3 % 9973 + 1, 9973)
' | timeout 30 "$BMAPTOOL" copy --nobmap - out >stdout 2>stderr
	[ "${PIPESTATUS[1]}" = 0 ] || fail "$how through a pipe, without a map"
	cmp image out >&2 || fail "$how through a pipe"
done
