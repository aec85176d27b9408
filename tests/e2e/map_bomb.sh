#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A small file that unpacks to a gigabyte of map is refused in bounded memory
# and time (issue 2: bounded size).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
python3 - >maps/bomb.bmap.gz <<-'PYTHON'
	import gzip, sys
	good = open("maps/good-2.0.bmap", "rb").read()
	out = sys.stdout.buffer
	out.write(gzip.compress(good[:-9]))
	spaces = gzip.compress(b" " * (16 << 20))
	for _ in range(64):
	    out.write(spaces)
	out.write(gzip.compress(good[-9:]))
PYTHON
[ "$(stat -c %s maps/bomb.bmap.gz)" -lt 2000000 ] || fail "the bomb is large"
export RUN_TIMEOUT=20
refuses_map maps/bomb.bmap.gz
