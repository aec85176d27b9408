#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A copy of a compressed image over HTTP asks for the image once and for each
# candidate name of its map at most once; nothing is asked for twice, no warning
# about proxies appears.  COMPAT B1-13, C3.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image.wic 3
make_map image.wic map
mkdir www
start_server www
for how in $(codecs) xz-blocks; do
	suffix=$(suffix_of "$how")
	rm -f www/*
	compress "$how" image.wic "www/image.wic.$suffix"
	cp map www/image.bmap
	rules ""
	rm -f out
	run 0 "$BMAPTOOL" copy "$URL/image.wic.$suffix" out
	silent_stdout
	same image.wic out
	says "discovered bmap file '$URL/image.bmap'"
	[ "$(n_requests "/image.wic.$suffix" GET)" = 1 ] || failed "$how: $(n_requests "/image.wic.$suffix" GET) GETs of the image"
	[ "$(n_requests "/image.wic.$suffix")" -le 2 ] || failed "$how: more than a HEAD and a GET of the image"
	[ "$(n_requests /image.bmap GET)" = 1 ] || failed "$how: the map was asked for $(n_requests /image.bmap GET) times"
	[ "$(n_requests "/image.wic.$suffix.bmap")" = 1 ] || failed "$how: first candidate"
	[ "$(n_requests /image.wic.bmap)" = 1 ] || failed "$how: second candidate"
	for sign in asc sig; do
		[ "$(n_requests /image.bmap.$sign)" -le 1 ] || failed "$how: signature .$sign"
	done
	[ "$(grep -vc '^SENT' "$LOG")" -le 8 ] || failed "$how: $(grep -vc '^SENT' "$LOG") requests in all"
	says_not "WARNING"
done

# --nobmap and --bmap look for nothing.
rules ""
run 0 "$BMAPTOOL" copy --nobmap "$URL/image.wic.xz" out
[ "$(grep -vc '^SENT' "$LOG")" = "$(n_requests /image.wic.xz)" ] || failed "other requests with --nobmap"
rules ""
run 0 "$BMAPTOOL" copy --bmap "$URL/image.bmap" "$URL/image.wic.xz" out
same image.wic out
[ "$(n_requests /image.wic.bmap)$(n_requests /image.wic.xz.bmap)" = 00 ] || failed "discovery with --bmap"
[ "$(n_requests /image.bmap)" = 1 ] || failed "--bmap URL was asked for $(n_requests /image.bmap) times"

# Names that are not there are no reason to fetch an image that cannot be used.
rm www/image.bmap
rules ""
run 1 "$BMAPTOOL" copy "$URL/image.wic.xz" new
no_crash
says "bmap file not found, please, use --nobmap option to flash without bmap"
[ ! -e new ] || fail "new was made"
