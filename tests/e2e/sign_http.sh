#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The signature of a map on a web server is found beside it, by URL, with the
# query kept (COMPAT.md C3).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
mkdir www
cp image www/image.wic
run 0 "$BMAPTOOL" create -o www/image.wic.bmap image
sign "$KEY" --armor -o www/image.wic.bmap.asc --detach-sign www/image.wic.bmap
start_nginx www

run 0 "$BMAPTOOL" copy "$URL/image.wic" copy
says "discovered bmap file '$URL/image.wic.bmap'"
says "successfully verified bmap file signature of Image Builder (fingerprint $KEY)"
same image copy
run 0 "$BMAPTOOL" copy "$URL/image.wic?token=abc" copy
says "successfully verified bmap file signature"
grep -q 'GET /image.wic.bmap.asc?token=abc ' nginx/access.log || fail "the query was lost: $(cat nginx/access.log)"

# The .sig is asked for when there is no .asc, and at most once.
gpg --dearmor <www/image.wic.bmap.asc >www/image.wic.bmap.sig 2>/dev/null
rm www/image.wic.bmap.asc
: >nginx/access.log
run 0 "$BMAPTOOL" copy "$URL/image.wic" copy
says "successfully verified bmap file signature"
[ "$(grep -c 'image.wic.bmap.asc ' nginx/access.log)" -le 1 ] || fail "asked twice: $(cat nginx/access.log)"
[ "$(grep -c 'image.wic.bmap.sig ' nginx/access.log)" = 1 ] || fail "asked twice: $(cat nginx/access.log)"

# A local map and a signature by URL, and the other way round.
cp www/image.wic.bmap local.bmap
cp www/image.wic.bmap.sig local.sig
run 0 "$BMAPTOOL" copy --bmap local.bmap --bmap-sig "$URL/image.wic.bmap.sig" image copy
says "successfully verified bmap file signature"
run 0 "$BMAPTOOL" copy --bmap "$URL/image.wic.bmap" --bmap-sig local.sig image copy
says "successfully verified bmap file signature"

# Bad there is bad here.
echo precious >keep
rm www/image.wic.bmap.sig
gpg --batch --armor --export "$KEY" >www/image.wic.bmap.asc 2>/dev/null
run 1 "$BMAPTOOL" copy "$URL/image.wic" keep
no_crash
run 1 "$BMAPTOOL" copy --bmap-sig "$URL/missing.sig" "$URL/image.wic" keep
says "cannot open bmap signature file '$URL/missing.sig':"
[ "$(cat keep)" = precious ] || fail "the destination was touched"
