#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Standard input as image: raw with a map, without, from a file and from a pipe,
# and what happens without --bmap.  COMPAT C3, C4, B1-7.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 3000001 0:4 100:3 600:50
make_map image map
run_stdin image 0 "$BMAPTOOL" copy --bmap map - out
silent_stdout
same image out
[ "$(stat -c %b out)" -lt 1500 ] || fail "holes were filled"
rm out
# shellcheck disable=SC2002 # a pipe is what is wanted
cat image | timeout 30 "$BMAPTOOL" copy --bmap map - out >stdout 2>stderr || fail "from a pipe"
same image out
rm out
run_stdin image 0 "$BMAPTOOL" copy --nobmap - out
same image out
rm out
run_stdin image 1 "$BMAPTOOL" copy - out
says "bmap file not found, please, use --nobmap option to flash without bmap"
[ ! -e out ] || fail "out was made"
: >empty
run_stdin empty 1 "$BMAPTOOL" copy --bmap map - out
no_crash
says "ERROR"
# A file named "-" is not meant.
cp map ./-.bmap
run_stdin image 1 "$BMAPTOOL" copy - new
# Standard input in the middle of a file goes on from there.
{ head -c 4096 /dev/zero; cat image; } >shifted
rm -f out
{ dd bs=4096 count=1 of=/dev/null status=none; timeout 30 "$BMAPTOOL" copy --nobmap - out; } <shifted >stdout 2>stderr || fail "shifted"
same image out
# Closed standard input.
timeout 30 "$BMAPTOOL" copy --nobmap - new <&- >stdout 2>stderr && fail "0 with standard input closed"
no_crash
