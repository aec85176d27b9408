#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 416 as the answer to a resumed transfer: right bytes after all, or an error that
# says 416; never a short "success".  COMPAT B2 rpi-imager, nbdkit curl.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image 1500000 0:300
make_map www/image
gzip -1k www/image
start_server www
for file in image image.gz; do
	rm -f out
	rules "/$file drop=600000 times=1" "/$file range416"
	timeout 30 "$BMAPTOOL" copy --retries 2 --nobmap "$URL/$file" out >stdout 2>stderr </dev/null
	case $? in
	0) same www/image out ;;
	1) no_crash; says "416"; says_not "copying time" ;;
	*) fail "neither 0 nor 1" ;;
	esac
	[ "$(n_requests "/$file" GET)" -le 4 ] || failed "$(n_requests "/$file" GET) requests"
done
# Broken exactly at the end: everything is there, nothing is left to ask for.
for file in image image.gz; do
	rm -f out
	rules "/$file drop=$(stat -c %s "www/$file")" "/$file range416"
	run 0 "$BMAPTOOL" copy --nobmap "$URL/$file" out
	same www/image out
	[ "$(n_requests "/$file" GET)" -le 2 ] || failed "$(n_requests "/$file" GET) requests"
done
