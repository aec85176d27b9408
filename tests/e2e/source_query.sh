#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The query of a URL (a signed link) is kept when the names of maps and signatures
# are made: the extension goes onto the path.  COMPAT C3, C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image.wic 1048576 0:4 100:3
make_map www/image.wic
gzip -1k www/image.wic
start_server www
rules "* needquery=token=1&x=a.b/c"
run 0 "$BMAPTOOL" copy "$URL/image.wic.gz?token=1&x=a.b/c" out
same www/image.wic out
[ "$(n_requests '/image.wic.gz.bmap?token=1&x=a.b/c')" = 1 ] || failed "first candidate"
[ "$(n_requests '/image.wic.bmap?token=1&x=a.b/c')" = 1 ] || failed "second candidate"
grep -v '^SENT' "$LOG" | grep -v 'token=1&x=a.b/c' && failed "a request without the query"

# A fragment is not sent at all.
rules ""
run 0 "$BMAPTOOL" copy "$URL/image.wic.gz#part.one" out
same www/image.wic out
grep -q part.one "$LOG" && failed "the fragment was sent"
mv www/image.wic.bmap www/nomap
rules ""
run 1 "$BMAPTOOL" copy "$URL/image.wic.gz?token=1" new
says "bmap file not found"
[ "$(n_requests '/image.bmap?token=1')" = 1 ] || failed "third candidate"
