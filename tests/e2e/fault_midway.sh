#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A copy that fails midway, for whatever reason, leaves with 1 and says what is on
# the destination; a device keeps what was not reached.  COMPAT B2 mtda,
# MediaWriter (failure shown as success).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image 4194304 0:300 500:300 900:100
make_map www/image
gzip -1k www/image
start_server www
# Errors are one sentence; what is on the destination stands apart from the cause.
reported() {
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	says_not "copying time"
	grep -qF "$1" stderr || fail "the destination '$1' is not named"
	says_re '(blocks?|bytes|[KMG]iB|nothing|incomplete|written)'
}
for file in image image.gz; do
	rm -f out
	rules "/$file cutat=2000000 noranges"
	run 1 "$BMAPTOOL" copy --retries 1 --bmap www/image.bmap "$URL/$file" out
	reported out
done
head -c 2000000 www/image.gz >part.gz
rm -f out
run 1 "$BMAPTOOL" copy --bmap www/image.bmap part.gz out
reported out

[ "$(id -u)" = 0 ] && [ -e /dev/loop-control ] || exit 0
loop_device disk 4194304
run 1 "$BMAPTOOL" copy --bmap www/image.bmap part.gz "$LOOP"
reported "$LOOP"
blockdev --flushbufs "$LOOP"
"$PY" - "$LOOP" <<'END' || fail "bytes that nobody wrote"
import sys
image = open("www/image", "rb").read()
disk = open(sys.argv[1], "rb").read()
for at in range(0, len(disk), 4096):
    block = disk[at:at + 4096]
    old, new = b"\xaa" * 4096, image[at:at + 4096]
    mapped = any(a <= at // 4096 < b for a, b in ((0, 300), (500, 800), (900, 1000)))
    if block != old and not (mapped and block == new):
        sys.exit("block %d" % (at // 4096))
END
