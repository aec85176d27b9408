#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ustar, GNU and pax tars; long names; members in folders; sizes on the borders
# of tar's blocks.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

long=$(printf 'n%.0s' {1..150})
mkdir -p "folder/$long"
for size in 1 511 512 513 10240 1048577; do
	head -c "$size" /dev/urandom >"folder/$long/disk.img"
	for format in gnu pax v7 ustar; do
		name=folder/$long/disk.img
		case $format in
		v7 | ustar) cp "$name" disk.img; name=disk.img ;;
		esac
		tar --format=$format -czf image.tar.gz "$name"
		rm -f out
		run 0 "$BMAPTOOL" copy --nobmap image.tar.gz out
		cmp "$name" out >&2 || fail "$format, $size bytes"
	done
done
# A size in pax's header rather than in the old field, and binary (base-256).
"$PY" - <<'END'
import io, tarfile
data = open("disk.img", "rb").read()
with tarfile.open("pax.tar", "w", format=tarfile.PAX_FORMAT) as t:
    info = tarfile.TarInfo("d/ïmage.img")
    info.size = len(data)
    info.pax_headers = {"size": str(len(data)), "mtime": "1.5"}
    t.addfile(info, io.BytesIO(data))
raw = bytearray(open("pax.tar", "rb").read())
with tarfile.open("base256.tar", "w", format=tarfile.GNU_FORMAT) as t:
    info = tarfile.TarInfo("disk.img")
    info.size = len(data)
    t.addfile(info, io.BytesIO(data))
raw = bytearray(open("base256.tar", "rb").read())
raw[124:136] = b"\x80" + len(data).to_bytes(11, "big")
raw[148:156] = b" " * 8
raw[148:156] = b"%06o\0 " % sum(raw[:512])
open("base256.tar", "wb").write(raw)
END
for file in pax.tar base256.tar; do
	tar -tf "$file" >/dev/null || fail "the test's own $file"
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap "$file" out
	same disk.img out
done
