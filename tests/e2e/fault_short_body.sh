#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A body that ends before its Content-Length, again and again, is an error; so is
# a shorter one without Content-Length where a map or the codec knows better.
# COMPAT B1-1, B2 httpdirfs (zero-filled "valid" data).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image image 1500000 0:300
cp image www/image
make_map image map
gzip -1c image >www/image.gz
start_server www
refused() {
	no_crash
	says "bmaptool: ERROR: "
	says_not "copying time"
	rm -f out
}
for file in image image.gz; do
	rules "/$file cutat=700000"
	run 1 "$BMAPTOOL" copy --retries 1 --nobmap "$URL/$file" out
	refused
	[ "$(n_requests "/$file" GET)" = 2 ] || failed "$(n_requests "/$file" GET) requests"
	rules "/$file cutat=700000 noranges"
	run 1 "$BMAPTOOL" copy --retries 1 --bmap map "$URL/$file" out
	refused
	rules "/$file cutat=700000 nolength noranges"
	run 1 "$BMAPTOOL" copy --retries 1 --bmap map "$URL/$file" out
	refused
done
rules "/image.gz cutat=700000 nolength noranges"
run 1 "$BMAPTOOL" copy --retries 1 --nobmap "$URL/image.gz" out
refused
# Without a length there is nothing wrong with a whole one.
rules "* nolength"
for file in image image.gz; do
	run 0 "$BMAPTOOL" copy --nobmap "$URL/$file" out
	same image out
	rm out
done
# A map that is cut is not a map.
cp map www/image.bmap
rules "/image.bmap cutat=500"
run 1 "$BMAPTOOL" copy --retries 1 "$URL/image.gz" out
[ ! -e out ] || fail "out was made"
refused
# Bytes behind Content-Length are not the body's.
rules "/image longer" "/image.gz longer"
run 0 "$BMAPTOOL" copy --nobmap "$URL/image" out
same image out
