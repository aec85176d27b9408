#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# On a device full of 0xAA the mapped blocks arrive, zero blocks among them, and
# every other byte stays what it was: the unmapped blocks, the rest of a last,
# partial block and what is behind the image.  COMPAT B2 coreos-installer (zero
# blocks skipped), caligula (stale bytes), Etcher (shifted data).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_loop

SIZE=$((9 * 1048576))
loop_device disk "$SIZE"
# expect IMAGE: the file "expected" is what the device has to hold.
expect() {
	"$PY" - "$1" "$SIZE" <<-'END'
	import re, sys
	image = open(sys.argv[1], "rb").read()
	disk = bytearray(b"\xaa" * int(sys.argv[2]))
	for a, b in re.findall(r">\s*(\d+)(?:-(\d+))?\s*</Range>", open(sys.argv[1] + ".bmap").read()):
	    first, end = int(a) * 4096, min((int(b or a) + 1) * 4096, len(image))
	    disk[first:end] = image[first:end]
	open("expected", "wb").write(disk)
	END
}
check() {
	local image=$1 source=$2
	head -c "$SIZE" /dev/zero | tr '\0' '\252' | dd of="$LOOP" bs=1M status=none conv=fsync
	run 0 "$BMAPTOOL" copy --bmap "$image.bmap" "$source" "$LOOP"
	says "to block device '$LOOP' using bmap file '$image.bmap'"
	blockdev --flushbufs "$LOOP"
	expect "$image"
	cmp expected "$LOOP" >&2 || fail "$source is not on the device as it should be"
}

make_image whole $((8 * 1048576)) 0:1 3:1 5:300 1000:7 2047:1
# Zeros that are mapped.
dd if=/dev/zero of=whole bs=4096 seek=1200 count=64 conv=notrunc,fsync status=none
make_map whole
gzip -1k whole
xz -0k whole
check whole whole
check whole whole.gz
check whole whole.xz

make_image partial $((8 * 1048576 + 5000)) 10:10 2048:2
make_map partial
gzip -1k partial
check partial partial
check partial partial.gz

make_image nothing $((4 * 1048576))
make_map nothing
check nothing nothing
