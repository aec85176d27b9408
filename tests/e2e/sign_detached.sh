#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A detached signature beside the map (.asc before .sig) is found and verified
# (COMPAT.md C2, C3).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder <builder@example.org>"
make_image image.wic 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.wic.bmap image.wic

copies() {
	rm -f copy
	run 0 "$BMAPTOOL" copy image.wic copy
	silent_stdout
	no_crash
	says "discovered bmap file 'image.wic.bmap'"
	says "discovered signature file for bmap 'image.wic.bmap"
	says "Trying to verify signature using gp"
	says "successfully verified bmap file signature of Image Builder <builder@example.org> (fingerprint $KEY)"
	same image.wic copy
}
sign "$KEY" --armor -o image.wic.bmap.asc --detach-sign image.wic.bmap
copies
rm image.wic.bmap.asc
sign "$KEY" -o image.wic.bmap.sig --detach-sign image.wic.bmap
copies
# The content decides, not the name: an armored .sig.
sign "$KEY" --armor -o image.wic.bmap.sig --detach-sign image.wic.bmap
copies
# .asc comes first: with a broken .sig behind it all is well.
mv image.wic.bmap.sig image.wic.bmap.asc
echo "not a signature" >image.wic.bmap.sig
copies

# The map of a compressed image has its signature beside itself.
gzip -k image.wic
run 0 "$BMAPTOOL" copy image.wic.gz copy
says "successfully verified bmap file signature"
same image.wic copy

# The order of the messages.
grep -n "discovered bmap file\|discovered signature\|Trying to verify\|successfully verified\|block map format" stderr |
	cut -d: -f4- >lines
[ "$(wc -l <lines)" = 5 ] || fail "not five lines: $(cat lines)"
head -1 lines | grep -q "discovered bmap" || fail "order: $(cat lines)"
sed -n 4p lines | grep -q "successfully" || fail "order: $(cat lines)"
