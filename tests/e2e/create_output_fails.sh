#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An output that cannot be written is an error, exit 1 (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5

mkdir folder
for out in folder no/such/folder/map /dev/full; do
	run 1 "$BMAPTOOL" create -o "$out" image
	no_crash
	says_re "^bmaptool: ERROR: .*$out"
done
[ -c /dev/full ] || fail "/dev/full was replaced"

# Standard output that is full or closed.
timeout 20 "$BMAPTOOL" create image >/dev/full 2>stderr </dev/null
[ $? = 1 ] || fail "a full standard output is no error"
no_crash
says "bmaptool: ERROR: "
