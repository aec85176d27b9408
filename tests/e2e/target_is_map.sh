#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The map or the signature is not the destination, and not the image, under
# whatever name (COMPAT.md C2, B1-2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
cp image.bmap before
ln -s image.bmap symlink
ln image.bmap hardlink

for dest in image.bmap ./image.bmap symlink hardlink; do
	run 1 "$BMAPTOOL" copy image "$dest"
	no_crash
	says "bmaptool: ERROR: "
	same before image.bmap
	run 1 "$BMAPTOOL" copy --bmap "$dest" image image.bmap
	same before image.bmap
done

run 1 "$BMAPTOOL" copy --bmap image.bmap image.bmap copy
says "Make sure you are writing your image and not the bmap file (you specified the same path for them)"
[ ! -e copy ] || fail "a destination was made"
run 1 "$BMAPTOOL" copy --bmap image image copy
says "Make sure you are writing your image and not the bmap file (you specified the same path for them)"
