#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 503 is tried again, for the image and for its map; a 404 or 403 is not.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image 1500000 0:100 200:3
make_map www/image
gzip -1k www/image
start_server www
for file in image image.gz; do
	rm -f out
	rules "/$file status=503 times=2"
	run 0 "$BMAPTOOL" copy --retries 3 --nobmap "$URL/$file" out
	same www/image out
	[ "$(n_requests "/$file" GET)" = 3 ] || failed "$(n_requests "/$file" GET) requests"
done
rules "/image.bmap status=503 times=1"
run 0 "$BMAPTOOL" copy "$URL/image.gz" out
same www/image out
says "discovered bmap file '$URL/image.bmap'"

rules "/image.gz status=503"
run 1 "$BMAPTOOL" copy --retries 1 --nobmap "$URL/image.gz" new
no_crash
says "503"
[ "$(n_requests /image.gz GET)" = 2 ] || failed "$(n_requests /image.gz GET) requests with --retries 1"
for status in 404 403 410; do
	rules "/image.gz status=$status"
	run 1 "$BMAPTOOL" copy --nobmap "$URL/image.gz" new
	no_crash
	says "bmaptool: ERROR: "
	says "$status"
	says "image.gz"
	[ "$(n_requests /image.gz GET)" = 1 ] || failed "$status was asked for $(n_requests /image.gz GET) times"
	[ ! -e new ] || fail "new was made"
done
# A resumed transfer that meets a 503 goes on as well.
rm -f out
rules "/image.gz drop=100000 times=1" "/image.gz status=503 ranged times=1"
run 0 "$BMAPTOOL" copy --nobmap "$URL/image.gz" out
same www/image out
