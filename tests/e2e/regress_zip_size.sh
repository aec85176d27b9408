#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A zip whose directory states another size than the image has, and a zip that is
# followed by another, are errors, not a short or a first image.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

head -c 300000 /dev/urandom >disk.wic
head -c 100000 /dev/zero >>disk.wic
zip -q -1 deflated.zip disk.wic
zip -q -0 stored.zip disk.wic
zip -q -fd -1 descriptor.zip disk.wic
"$PY" - <<'END'
import struct
for name in "deflated", "stored", "descriptor":
    data = open(name + ".zip", "rb").read()
    at = data.rindex(b"PK\1\2") + 24
    for size in 4096, 399999, 400001, 900000:
        made = bytearray(data)
        made[at:at + 4] = struct.pack("<I", size)
        open("%s-%d.zip" % (name, size), "wb").write(made)
END
for name in deflated stored descriptor; do
	run 0 "$BMAPTOOL" copy --nobmap $name.zip out
	same disk.wic out
	rm out
	for size in 4096 399999 400001 900000; do
		run 1 "$BMAPTOOL" copy --nobmap "$name-$size.zip" out
		no_crash
		says "bmaptool: ERROR: "
		says "$name-$size.zip"
		says_not "copying time"
		rm -f out
	done
done

head -c 200000 /dev/urandom >other.wic
zip -q -1 other.zip other.wic
for first in deflated stored descriptor; do
	for second in other.zip $first.zip; do
		cat "$first.zip" "$second" | timeout 30 "$BMAPTOOL" copy --nobmap - out >stdout 2>stderr
		[ "${PIPESTATUS[1]}" = 1 ] || fail "$first.zip and $second in a pipe are not refused"
		no_crash
		says "bmaptool: ERROR: "
		says_not "copying time"
		rm -f out
	done
done
