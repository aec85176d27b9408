#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The signature beside an archive is of the archive, not of the map inside it.
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image disk.wic 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o disk.wic.bmap disk.wic
tar -cf image.tar disk.wic.bmap disk.wic
gzip -1k image.tar
has_zip=
if command -v zip >/dev/null; then
	zip -q image.zip disk.wic.bmap disk.wic
	has_zip=image.zip
fi
for file in image.tar image.tar.gz $has_zip; do
	sign "$KEY" -o "$file.asc" --armor --detach-sign "$file"
	sign "$KEY" -o "$file.sig" --detach-sign "$file"
	for suffix in asc sig; do
		mkdir part
		cp "$file" "$file.$suffix" part
		rm -f out
		run 0 "$BMAPTOOL" copy "part/$file" out
		no_crash
		says "mapped 6 blocks"
		says_not "BAD"
		cmp disk.wic out >&2 || fail "$file with $suffix"
		rm -r part
	done
done
