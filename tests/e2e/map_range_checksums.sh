#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The checksum of a range is compared, whatever version and digest; with
# --no-verify and without checksums it is not (COMPAT.md C2, C6).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
cp maps/image changed
# Block 120, in the range 100-163.
printf X | dd of=changed bs=1 seek=491600 conv=notrunc status=none
cmp -s maps/image changed && fail "nothing was changed"

for name in 1.2 1.3 1.4 2.0 2.0-unordered 2.0-odd-spaces 2.0-md5 2.0-sha512 2.0-sha3_256; do
	rm -f copy
	run 1 "$BMAPTOOL" copy --bmap "maps/good-$name.bmap" changed copy
	no_crash
	says_re "checksum mismatch for blocks range 100-163: calculated [0-9a-f]+, should be [0-9a-f]+ \(image file .*changed.*\)"
	run 0 "$BMAPTOOL" copy --no-verify --bmap "maps/good-$name.bmap" changed copy
	same changed copy
done
run 1 "$BMAPTOOL" copy --bmap maps/good-2.0-adjacent.bmap changed copy
says "checksum mismatch for blocks range 100-131"

for name in 1.0 1.1 2.0-no-range-checksums; do
	run 0 "$BMAPTOOL" copy --bmap "maps/good-$name.bmap" changed copy
	same changed copy
done
