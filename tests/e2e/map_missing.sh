#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map that is not there or cannot be opened: the contract's sentences,
# nothing is made (COMPAT.md C2, B1-3, B1-14).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
echo precious >keep

run 1 "$BMAPTOOL" copy image keep
says "bmaptool: ERROR: bmap file not found, please, use --nobmap option to flash without bmap"
silent_stdout
run 1 "$BMAPTOOL" copy --bmap missing.bmap image keep
says "cannot open bmap file 'missing.bmap':"
says "No such file or directory"
says_not "unknown url type"
mkdir folder.bmap
run 1 "$BMAPTOOL" copy --bmap folder.bmap image keep
says_re "ERROR: .*folder.bmap"
no_crash
run 1 "$BMAPTOOL" copy --bmap '' image keep
no_crash
[ "$(cat keep)" = precious ] || fail "the destination was touched"

run 1 "$BMAPTOOL" copy image new
[ ! -e new ] || fail "a destination was made"

# --nobmap does without, and does not even look.
echo '<broken' >image.bmap
run 0 "$BMAPTOOL" copy --nobmap image new
same image new
says "no bmap given, copy entire image to 'new'"
