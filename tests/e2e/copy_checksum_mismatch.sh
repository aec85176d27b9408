#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A range that is not what the map says stops the copy: exit 1, the range, both
# checksums and the image's name, and what is on the destination.
# COMPAT B1-20, B2 MediaWriter, Etcher ("success" and mismatch together).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 4194304 10:5 600:20
make_map image
good=$(grep -o 'chksum="[0-9a-f]*"> 600-619' image.bmap | cut -d'"' -f2)
printf 'Z' | dd of=image bs=1 seek=$((610 * 4096 + 77)) conv=notrunc status=none
bad=$(dd if=image bs=4096 skip=600 count=20 status=none | sha256sum | cut -d' ' -f1)

for source in image image.gz; do
	rm -f out
	gzip -1kf image
	run 1 "$BMAPTOOL" copy --bmap image.bmap "$source" out
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	says "checksum mismatch for blocks range 600-619: calculated $bad, should be $good (image file $source)"
	says_not "copying time"
	# What is on the target is said, by name.
	grep -vF "checksum mismatch" stderr | grep -E '(ERROR|WARNING)|^ ' | grep -qF out || fail "what is on the destination is not said"
done
