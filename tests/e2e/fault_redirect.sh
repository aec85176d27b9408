#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Redirects are followed, in bounds, and only to where a server may send us.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir -p www/v1
make_image www/v1/image 1048576 0:100 200:3
make_map www/v1/image www/latest.bmap
gzip -1k www/v1/image
start_server www
rules "/latest.gz redirect=/v1/image.gz" "/latest redirect=$URL/v1/image"
for file in latest.gz latest; do
	rm -f out
	run 0 "$BMAPTOOL" copy "$URL/$file" out
	same www/v1/image out
	says "discovered bmap file '$URL/latest.bmap'"
done
[ "$(n_requests /v1/image.gz GET)" = 1 ] || failed "the image was asked for $(n_requests /v1/image.gz GET) times"

# A redirected transfer that breaks.
rm -f out
rules "/latest.gz redirect=/v1/image.gz" "/v1/image.gz drop=200000 times=1"
run 0 "$BMAPTOOL" copy --nobmap "$URL/latest.gz" out
same www/v1/image out

rules "/loop redirect=self"
run 1 "$BMAPTOOL" copy --nobmap "$URL/loop" new
no_crash
says_re 'redirect'
[ "$(n_requests /loop)" -le 60 ] || failed "$(n_requests /loop) requests"

# A server may not make us read our own files.
echo secret >secret
rules "/evil redirect=file://$PWD/secret"
run 1 "$BMAPTOOL" copy --nobmap "$URL/evil" new
no_crash
[ ! -e new ] || fail "a redirect to file:// was followed"
rules "/evil redirect=http://127.0.0.1:$PORT/nosuch"
run 1 "$BMAPTOOL" copy --nobmap "$URL/evil" new
says "404"
