#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rest of a broken transfer comes without the ETag that the first part had,
# but with another date: that is another file, an error, never a mix.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
head -c 1500000 /dev/urandom >www/image
head -c 1500000 /dev/urandom >www/new
gzip -1k www/image
gzip -1k www/new
touch -d '2024-01-01 00:00:00' www/image www/image.gz
touch -d '2024-02-01 00:00:00' www/new www/new.gz
start_server www
for file in image image.gz; do
	rules "/$file drop=600000 times=1" "/$file swap=${file/image/new} etag=none noifrange skip=1"
	run 1 "$BMAPTOOL" copy --nobmap "$URL/$file" out
	no_crash
	requests "/$file" "range=bytes=600000-" | grep -q ' 206 ' || failed "$file was not resumed"
	says "bmaptool: ERROR: "
	says "$file"
	says_re 'chang'
	says_not "copying time"
	rm -f out
done
