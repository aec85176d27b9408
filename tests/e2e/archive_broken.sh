#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Archives that are cut, damaged or lie about their sizes are errors.
# COMPAT B1-1, B1-10.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

RUN_TIMEOUT=20
make_image disk.wic 1048576 0:200 220:30
make_map disk.wic map
tar -cf good.tar disk.wic
zip -q -1 good.zip disk.wic
zip -q -0 stored.zip disk.wic
size=$(stat -c %s good.zip)

refused() {
	run_small 1 128 "$BMAPTOOL" copy --nobmap "$1" out
	no_crash
	says "bmaptool: ERROR: "
	says_not "copying time"
	rm -f out
}
# tar: cut in the header, in the image and by the image's last byte.
for keep in 300 600000 $((512 + 1048575)); do
	head -c "$keep" good.tar >part.tar
	[ "$keep" = 300 ] || refused part.tar
	gzip -1kf part.tar
	[ "$keep" = 300 ] || refused part.tar.gz
	[ "$keep" = 300 ] || { run 1 "$BMAPTOOL" copy --bmap map part.tar.gz out; no_crash; rm -f out; }
done
# gzip around the tar cut: the tar itself is complete by then.
gzip -1kf good.tar
head -c -5 good.tar.gz >short.tar.gz
refused short.tar.gz
{ cat good.tar.gz; echo garbage; } >garbage.tar.gz
refused garbage.tar.gz

# zip: cut, damaged, lying.
head -c 500000 good.zip >part.zip; refused part.zip
head -c $((size - 10)) good.zip >part.zip; refused part.zip
"$PY" - <<'END'
import struct
data = open("stored.zip", "rb").read()
def put(name, at, text):
    d = bytearray(data)
    d[at:at + len(text)] = text
    open(name, "wb").write(d)
put("content.zip", 600000, b"damaged")
put("flags.zip", data.index(b"PK\1\2") + 8, b"\1\0")          # encrypted
central = data.index(b"PK\1\2")
put("method.zip", central + 10, struct.pack("<H", 97))
put("offset.zip", central + 42, struct.pack("<I", 0xfffffff0))
put("size.zip", central + 20, struct.pack("<II", 0x7fffffff, 0x7fffffff))
put("crc.zip", central + 16, b"\0\0\0\0")
end = data.index(b"PK\5\6")
put("count.zip", end + 8, struct.pack("<HH", 65534, 65534))
put("length.zip", end + 12, struct.pack("<I", 0xfffffff0))

tar = open("good.tar", "rb").read()
def header(name, size):
    d = bytearray(tar)
    d[124:136] = size
    d[148:156] = b" " * 8
    d[148:156] = b"%06o\0 " % sum(d[:512])
    open(name, "wb").write(d)
header("large.tar", b"77777777777\0")
header("huge.tar", b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7)
header("negative.tar", b"\xff" * 12)
d = bytearray(tar)
d[0] ^= 1
open("checksum.tar", "wb").write(d)
END
for file in content flags method offset size crc count length; do
	(refused $file.zip) || fail "$file.zip"
done
for file in large huge negative; do
	(refused $file.tar) || fail "$file.tar"
done
gzip -1k checksum.tar
refused checksum.tar.gz
