#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same on standard input, where the second image shows only after the first
# has passed: never a success that hides it, never both in one.  COMPAT B1-10.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image disk.wic 1048576 0:4 100:30
make_image other.wic 524288 0:4 50:3
make_map disk.wic map
echo "read me" >README
tar -czf one.tar.gz README disk.wic SHA256SUMS 2>/dev/null
tar -czf two.tar.gz README disk.wic other.wic
run_stdin one.tar.gz 0 "$BMAPTOOL" copy --nobmap - out
same disk.wic out
run_stdin two.tar.gz 1 "$BMAPTOOL" copy --nobmap - out
no_crash
says "--member"
rm -f out
run_stdin two.tar.gz 0 "$BMAPTOOL" copy --nobmap --member other.wic - out
same other.wic out
rm -f out
run_stdin two.tar.gz 0 "$BMAPTOOL" copy --bmap map --member disk.wic - out
same disk.wic out
