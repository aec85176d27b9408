#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Chunked bodies: whole ones are fine, one without its terminator is broken, not
# ended.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image 1500000 0:100 200:3
make_map www/image
gzip -1k www/image
start_server www
for file in image image.gz; do
	rm -f out
	rules "* chunked"
	run 0 "$BMAPTOOL" copy "$URL/$file" out
	same www/image out
	rm out
	rules "/$file chunked=cut times=1" "/$file chunked"
	run 0 "$BMAPTOOL" copy --nobmap "$URL/$file" out
	same www/image out
	rm out
	rules "/$file chunked=cut drop=200000 noranges"
	run 1 "$BMAPTOOL" copy --retries 1 --nobmap "$URL/$file" out
	no_crash
	says "bmaptool: ERROR: "
	says_not "copying time"
done
# Servers that call a .gz a gzip-encoded something: the bytes are the file's.
rm -f out
rules "/image.gz encoding=gzip"
run 0 "$BMAPTOOL" copy "$URL/image.gz" out
same www/image out
