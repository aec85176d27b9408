#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Spaces, percent signs and other letters in names: in local files as they are, in
# URLs by their percent form.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/disk 1048576 0:4 100:3
gzip -1c www/disk >"www/my image 100%25 ü.wic.gz"
make_map www/disk "www/my image 100%25 ü.wic.bmap"
run 0 "$BMAPTOOL" copy "www/my image 100%25 ü.wic.gz" out
same www/disk out
start_server www
name="my%20image%20100%2525%20%C3%BC.wic.gz"
run 0 "$BMAPTOOL" copy "$URL/$name" out
same www/disk out
[ "$(n_requests "/${name%.gz}.bmap")" = 1 ] || failed "the map's name"
run 0 "$BMAPTOOL" copy "file://$PWD/www/$name" out
same www/disk out
# A local file whose name looks like an option or a URL.
cp www/disk ./-disk
cp www/disk "a:b"
run 0 "$BMAPTOOL" copy --nobmap -- -disk out
same www/disk out
run 0 "$BMAPTOOL" copy --nobmap a:b out
same www/disk out
