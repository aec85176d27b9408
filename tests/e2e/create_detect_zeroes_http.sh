#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --detect-zeroes maps an image that lies on a web server, raw or compressed,
# with one GET (issue 2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000001 0:1 10:5 100:7 244:1
mkdir www
cp --sparse=never image www/image.wic
gzip -c image >www/image.wic.gz
start_nginx www

for name in image.wic image.wic.gz; do
	: >nginx/access.log
	run 0 "$BMAPTOOL" create --detect-zeroes -o ours.bmap "$URL/$name"
	check_map verify ours.bmap image
	[ "$(check_map blocks ours.bmap)" = "0 10-14 100-106 244" ] || fail "$name: mapped: $(check_map blocks ours.bmap)"
	says_re "[Zz]ero.*don't.care"
	[ "$(grep -c "GET /$name " nginx/access.log)" = 1 ] || fail "$name: $(cat nginx/access.log)"
done

run 1 "$BMAPTOOL" create --detect-zeroes -o no.bmap "$URL/missing.wic"
no_crash
says "404"
[ ! -s no.bmap ] || fail "a map of an error page was written"
