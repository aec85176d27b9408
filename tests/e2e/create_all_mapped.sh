#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image without holes gets two warnings, and is mapped (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image 1M 0:256
run 0 "$BMAPTOOL" create -o image.bmap image
says "bmaptool: WARNING: all 1.0 MiB are mapped, no holes in 'image'"
says "bmaptool: WARNING: was the image handled incorrectly and holes were expanded?"
check_map mapped image.bmap 0-255
[ "$(wc -l <stderr)" = 2 ] || fail "more than the two warnings"

# Warnings are said with --quiet too; nothing is said of an image with holes.
run 0 "$BMAPTOOL" -q create -o image.bmap image
says "all 1.0 MiB are mapped"
make_image image 1M 0:255
run 0 "$BMAPTOOL" create -o image.bmap image
says_not "WARNING"
