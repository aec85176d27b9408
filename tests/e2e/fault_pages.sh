#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pages instead of files: a 404 page is never an image, an HTML page as a map is
# one clear error, an HTML page as an image does not pass for it.
# COMPAT B1-5, B2 bmap-rs (HTTP status not checked).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image 1048576 0:100 200:3
make_map www/image
start_server www
echo precious >out
cp out before
refused() {
	no_crash
	says "bmaptool: ERROR: "
	[ "$(wc -l <stderr)" -le 6 ] || fail "a long story"
	same out before
}
run 1 "$BMAPTOOL" copy --nobmap "$URL/nosuch.wic" out
refused
says "404"
run 1 "$BMAPTOOL" copy --bmap "$URL/nosuch.bmap" "$URL/image" out
refused
says "cannot open bmap file '$URL/nosuch.bmap'"
rules "/image.bmap html"
run 1 "$BMAPTOOL" copy "$URL/image" out
refused
rules "/image html"
run 1 "$BMAPTOOL" copy "$URL/image" out
refused
rules "* status=500"
run 1 "$BMAPTOOL" copy --retries 0 --nobmap "$URL/image" out
refused
says "500"
# An answer without content.
rules "/image status=204"
run 1 "$BMAPTOOL" copy --retries 0 "$URL/image" out
refused
