#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A copy onto itself is refused and the source stays as it is, by whatever name
# it is reached.  COMPAT B1-2.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 200:3
make_map image
sum=$(sha256sum <image)
mapsum=$(sha256sum <image.bmap)
ln image hard
ln -s image soft
mkdir folder
intact() {
	no_crash
	says "ERROR"
	[ "$(sha256sum <image)" = "$sum" ] || fail "the source was destroyed by copying to $1"
	[ "$(sha256sum <image.bmap)" = "$mapsum" ] || fail "the map was destroyed"
}
for dest in image ./image folder/../image "$PWD/image" hard soft; do
	run 1 "$BMAPTOOL" copy image "$dest"; intact "$dest"
	run 1 "$BMAPTOOL" copy --nobmap image "$dest"; intact "$dest"
done
run 1 "$BMAPTOOL" copy --bmap image.bmap soft hard; intact hard
run 1 "$BMAPTOOL" copy "file://$PWD/image" image; intact "image from a file: URL"
run_stdin image 1 "$BMAPTOOL" copy --bmap image.bmap - image; intact "image from standard input"

# Nor may the map be the destination.
run 1 "$BMAPTOOL" copy image image.bmap; intact "the map"
run 1 "$BMAPTOOL" copy --bmap image image out
says "Make sure you are writing your image and not the bmap file (you specified the same path for them)"
[ ! -e out ] || fail "out was made"

gzip -k image
gzsum=$(sha256sum <image.gz)
ln image.gz hard.gz
run 1 "$BMAPTOOL" copy image.gz hard.gz
[ "$(sha256sum <image.gz)" = "$gzsum" ] || fail "the compressed source was destroyed"
