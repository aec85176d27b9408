#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A server that ignores Range, or describes its files by date only or not at all:
# a broken transfer still ends in the right bytes.  COMPAT B2 httpdirfs.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
head -c 1500000 /dev/urandom >www/image
gzip -1k www/image
make_map www/image
start_server www
for kind in noranges "etag=none" "etag=none lastmod=none" "noranges etag=none lastmod=none" etag=weak; do
	for file in image image.gz; do
		rm -f out
		rules "/$file drop=600000 times=1" "* $kind"
		case $kind in
		*etag=none*lastmod=none*)
			# Nothing says that the rest is of the same file: only checksums make it safe.
			run 1 "$BMAPTOOL" copy --nobmap "$URL/$file" out
			says "neither ETag nor date"
			rm -f out
			rules "/$file drop=600000 times=1" "* $kind"
			run 0 "$BMAPTOOL" copy "$URL/$file" out
			;;
		*) run 0 "$BMAPTOOL" copy --nobmap "$URL/$file" out ;;
		esac
		cmp www/image out >&2 || failed "$kind, $file"
		[ "$(n_requests "/$file" GET)" -le 3 ] || failed "$kind, $file: $(n_requests "/$file" GET) requests"
	done
done
