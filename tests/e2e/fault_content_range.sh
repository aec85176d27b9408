#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A 206 that brings other bytes than asked for is not woven into the image.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
head -c 1500000 /dev/urandom >www/image
start_server www
for lie in start total missing; do
	rm -f out
	rules "/image drop=600000 times=1" "/image lie=$lie ranged"
	run 1 "$BMAPTOOL" copy --retries 1 --nobmap "$URL/image" out
	no_crash
	says "bmaptool: ERROR: "
	says_not "copying time"
done
