#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# From Debian's nginx: raw and compressed images, map and all, to a file and to a
# loop device, keeping the device's other bytes.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
a_disk www/image.wic 4
make_map www/image.wic
for how in $(codecs) xz-blocks; do
	compress "$how" www/image.wic "www/image.wic.$(suffix_of "$how")"
done
start_nginx www
for name in image.wic $(cd www && ls image.wic.?? image.wic.???); do
	rm -f out
	run 0 "$BMAPTOOL" copy "$URL/$name" out
	same www/image.wic out
	says "discovered bmap file '$URL/image.wic.bmap'"
done
n=$(grep -c '"GET /image.wic.gz ' nginx/access.log)
[ "$n" = 1 ] || fail "$n GETs of image.wic.gz"
run 1 "$BMAPTOOL" copy --nobmap "$URL/nosuch.wic.gz" new
no_crash
says "404"
[ "$(grep -c '"GET /nosuch' nginx/access.log)" = 1 ] || fail "a 404 was asked for again"

[ "$(id -u)" = 0 ] && [ -e /dev/loop-control ] || exit 0
loop_device disk 4194304
"$PY" - <<'END'
import re
image = open("www/image.wic", "rb").read()
disk = bytearray(b"\xaa" * len(image))
for a, b in re.findall(r">\s*(\d+)(?:-(\d+))?\s*</Range>", open("www/image.wic.bmap").read()):
    first, end = int(a) * 4096, (int(b or a) + 1) * 4096
    disk[first:end] = image[first:end]
open("expected", "wb").write(disk)
END
run 0 "$BMAPTOOL" copy "$URL/image.wic.xz" "$LOOP"
blockdev --flushbufs "$LOOP"
same expected "$LOOP"
