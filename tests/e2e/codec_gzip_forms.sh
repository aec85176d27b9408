#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# gzip's header fields, stored blocks, pigz and a name from BGZF: all are gzip.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 2
make_map image map
"$PY" - <<'END'
import struct, zlib
data = open("image", "rb").read()

def member(part, flags, fields, level):
    c = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = c.compress(part) + c.flush()
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + fields
    if flags & 2:
        head += struct.pack("<H", zlib.crc32(head) & 0xffff)
    return head + body + struct.pack("<II", zlib.crc32(part), len(part) & 0xffffffff)

open("fields.gz", "wb").write(member(data, 0x1f, struct.pack("<H", 6) + b"AB\2\0xy" + b"name\0" + b"comment\0", 1))
open("stored.gz", "wb").write(member(data, 0, b"", 0))
bgzf = []
for at in range(0, len(data), 65280):
    part = data[at:at + 65280]
    m = member(part, 4, b"\6\0BC\2\0\0\0", 1)
    bgzf.append(m[:16] + struct.pack("<H", len(m) - 1) + m[18:])
bgzf.append(bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000"))
open("bgzf.gz", "wb").write(b"".join(bgzf))
END
compress pigz image pigz.gz
gzip -9 -c image >best.gz
for file in fields.gz stored.gz bgzf.gz pigz.gz best.gz; do
	gzip -t "$file" || fail "the test's own $file"
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map "$file" out
	same image out
	rm -f out
	run_stdin "$file" 0 "$BMAPTOOL" copy --nobmap - out
	same image out
done
