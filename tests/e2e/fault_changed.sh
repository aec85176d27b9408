#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that is replaced on the server while it is copied is an error, never a
# mix of old and new, whatever the server makes of If-Range.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
head -c 1500000 /dev/urandom >www/image
head -c 1500000 /dev/urandom >www/new
gzip -1k www/image
gzip -1k www/new
start_server www
for kind in "" noranges noifrange; do
	for file in image image.gz; do
		rm -f out
		rules "/$file drop=600000 times=1" "/$file swap=${file/image/new} skip=1 $kind"
		run 1 "$BMAPTOOL" copy --nobmap "$URL/$file" out
		no_crash
		says "bmaptool: ERROR: "
		says_re 'chang'
		says "$file"
		says_not "copying time"
	done
done
# The same length and content, but another name at each request.
rules "/image drop=600000 times=1" "/image etag=changing"
run 1 "$BMAPTOOL" copy --nobmap "$URL/image" out
says_re 'chang'
