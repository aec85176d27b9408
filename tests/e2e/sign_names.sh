#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File names that a careless caller of gpg would take for options or break at
# spaces.
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
mkdir "a folder"
cd "a folder" || exit 99
make_image "./--image" 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o ./--image.bmap -- --image
sign "$KEY" -o "./--image.bmap.sig" --detach-sign "./--image.bmap"
run 0 "$BMAPTOOL" copy -- --image copy
says "successfully verified bmap file signature"
same ./--image copy
mv -- --image.bmap "it's a; map \$(touch x).bmap"
mv -- --image.bmap.sig "--output=y"
run 0 "$BMAPTOOL" copy --bmap "it's a; map \$(touch x).bmap" --bmap-sig=--output=y -- --image copy
says "successfully verified bmap file signature"
[ ! -e x ] || fail "a name was taken for a command"
[ ! -e y ] || fail "a name was taken for an option"
