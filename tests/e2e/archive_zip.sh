#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One image in a zip: deflated, stored, with sizes behind the data, zip64, from a
# file and over HTTP.  COMPAT B1-10, C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk disk.wic 2
make_map disk.wic map
zip -q -1 deflated.zip disk.wic
zip -q -0 stored.zip disk.wic
zip -q -fd -1 descriptor.zip disk.wic
zip -q -fz -1 zip64.zip disk.wic
zip -q -1 - - <disk.wic >piped.zip
mkdir folder && cp disk.wic folder && zip -qr -1 folder.zip folder
start_server .
for file in deflated stored descriptor zip64 piped folder; do
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map $file.zip out
	cmp disk.wic out >&2 || fail "$file with a map"
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap $file.zip out
	cmp disk.wic out >&2 || fail "$file without a map"
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map "$URL/$file.zip" out
	cmp disk.wic out >&2 || fail "$file over HTTP"
done
# Named in capitals, or not at all: the content is a zip.
cp deflated.zip UP.ZIP
cp deflated.zip nosuffix
for file in UP.ZIP nosuffix; do
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map $file out
	same disk.wic out
done
# On standard input a zip is decoded or refused, never copied raw.
rm -f out
timeout 30 "$BMAPTOOL" copy --nobmap - out <deflated.zip >stdout 2>stderr
case $? in
0) same disk.wic out ;;
1) no_crash; says "zip" ;;
*) fail "neither 0 nor 1" ;;
esac
