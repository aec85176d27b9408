#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that cannot be read: exit 1, the contract's sentences, and no map
# is left (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99

run 1 "$BMAPTOOL" create -o map missing.img
says "bmaptool: ERROR: cannot open image file 'missing.img'"
says "No such file or directory"
no_crash
[ ! -e map ] || fail "a map of nothing was written"

: >empty
run 1 "$BMAPTOOL" create -o map empty
says "cannot generate bmap for zero-sized image file 'empty'"
no_crash
[ ! -s map ] || fail "a map of nothing was written"
run 1 "$BMAPTOOL" create empty
says "cannot generate bmap for zero-sized image file 'empty'"
silent_stdout

mkdir folder
run 1 "$BMAPTOOL" create -o map folder
says_re "ERROR: .*folder"
no_crash
[ ! -s map ] || fail "a map of a folder was written"

# A map that was there stays when there is nothing to replace it.
echo precious >map
run 1 "$BMAPTOOL" create -o map missing.img
[ "$(cat map)" = precious ] || fail "the map was emptied before the image was opened"
