#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A transfer that breaks goes on where it stopped, with Range and If-Range, until
# the retries are used up; then it is an error that names the image.
# COMPAT B2 nbdkit curl, rpi-imager.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
head -c 2000000 /dev/urandom >www/image
gzip -1k www/image
start_server www
etag=$(printf '"%x-' "$(stat -c %s www/image.gz)")

rules "/image.gz drop=500000 times=1"
run 0 "$BMAPTOOL" copy --nobmap "$URL/image.gz" out
same www/image out
[ "$(n_requests /image.gz GET)" = 2 ] || failed "$(n_requests /image.gz GET) requests"
requests /image.gz "range=bytes=500000-" | grep -F "if-range=$etag" | grep -q ' 206 ' || failed "not resumed with Range and If-Range"

# Three breaks, one of them a reset.
rm out
rules "/image.gz drop=300000 times=1" "/image.gz reset=300000 times=1" "/image.gz drop=1 times=1 skip=2"
run 0 "$BMAPTOOL" copy --retries 5 --nobmap "$URL/image.gz" out
same www/image out

# The same for a raw image, with and without a map.
make_map www/image map
for options in --nobmap "--bmap map"; do
	rm -f out
	rules "/image drop=700001 times=2"
	# shellcheck disable=SC2086 # several words
	run 0 "$BMAPTOOL" copy $options "$URL/image" out
	same www/image out
done

# Nothing arrives any more.
for retries in 0 2; do
	rules "/image.gz drop=0"
	run 1 "$BMAPTOOL" copy --retries $retries --nobmap "$URL/image.gz" new
	no_crash
	says "bmaptool: ERROR: "
	says "image.gz"
	says_not "copying time"
	[ "$(n_requests /image.gz GET)" = $((retries + 1)) ] || failed "$(n_requests /image.gz GET) requests with --retries $retries"
done

# No server any more.
kill "$(jobs -p)"
run 1 "$BMAPTOOL" copy --retries 1 --nobmap "$URL/image.gz" new
no_crash
says "ERROR"
