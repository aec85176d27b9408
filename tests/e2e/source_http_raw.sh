#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Of a raw image on a server with ranges only the mapped stretches travel; without
# ranges the whole of it does, with the same result.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image.wic 16777216 0:4 1000:64 3000:30 4090:6
make_map www/image.wic
start_server www
run 0 "$BMAPTOOL" copy "$URL/image.wic" out
same www/image.wic out
sent=$(awk '$1 == "SENT" && $2 == "/image.wic" { n += $3 } END { print n }' "$LOG")
[ "$sent" -lt 8388608 ] || failed "$sent bytes were sent for 425984 that are mapped"
[ "$(n_requests /image.wic)" -le 6 ] || failed "$(n_requests /image.wic) requests for 4 ranges"

rm out
rules "* noranges"
run 0 "$BMAPTOOL" copy "$URL/image.wic" out
same www/image.wic out

# Holes and garbage as ever.
rm out
rules "* noranges nolength"
run 0 "$BMAPTOOL" copy "$URL/image.wic" out
same www/image.wic out
[ "$(stat -c %b out)" -lt 2000 ] || fail "holes were filled"
