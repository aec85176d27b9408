#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Headers of an uncompressed tar that straddle a read of 64 KiB, and a map inside
# that is larger than that, are read right.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

# The README moves the image's pax headers over the border, record by record.
make_image disk.wic 3000000 0:2 100:3 700:9
make_map disk.wic map
for ((size = 63488; size <= 65024; size += 512)); do
	head -c "$size" /dev/zero | tr '\0' x >README
	for options in "--format=posix -S" "--format=gnu -S" "--format=posix"; do
		# shellcheck disable=SC2086 # several words
		tar $options -cf image.tar README disk.wic
		rm -f out
		run 0 "$BMAPTOOL" copy --member disk.wic --bmap map image.tar out
		cmp disk.wic out >&2 || fail "$options, $size bytes before, with a map"
	done
	rm -f out
	tar --format=posix -Scf image.tar README disk.wic
	run 0 "$BMAPTOOL" copy --member disk.wic --nobmap image.tar out
	cmp disk.wic out >&2 || fail "$size bytes before"
done

# A map of 1000 ranges.
"$PY" - <<'END'
import os
with open("many.wic", "wb") as f:
    f.truncate(2000 * 4096)
    for i in range(1000):
        f.seek(i * 8192)
        f.write(os.urandom(4096))
END
sync many.wic
run 0 "$BMAPTOOL" create -o many.wic.bmap many.wic
[ "$(stat -c %s many.wic.bmap)" -gt 65536 ] || skip "the filesystem makes no map of many ranges"
tar -cf before.tar many.wic.bmap many.wic
tar -cf after.tar many.wic many.wic.bmap
for file in before after; do
	rm -f out
	run 0 "$BMAPTOOL" copy "$file.tar" out
	says "mapped 1000 blocks"
	says_not "no bmap"
	cmp many.wic out >&2 || fail "$file.tar"
done
