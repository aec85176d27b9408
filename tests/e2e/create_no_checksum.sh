#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --no-checksum leaves the checksums of the ranges out, as Python's does
# (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
requires_command "$PYTHON_BMAPTOOL"
make_image image 1000000 0:1 10:5 244:1

run 0 "$BMAPTOOL" create --no-checksum -o ours.bmap image
run 0 "$PYTHON_BMAPTOOL" create --no-checksum -o python.bmap image
! grep -q chksum= ours.bmap || fail "there are checksums"
check_map same python.bmap ours.bmap
check_map verify ours.bmap image
run 0 "$BMAPTOOL" copy --bmap ours.bmap image copy
same image copy
