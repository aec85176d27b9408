#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Headers that claim gigantic windows, dictionaries, blocks and tables are refused
# with a sentence; they take neither memory nor time.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

RUN_TIMEOUT=20
refused() {
	run_small 1 128 "$BMAPTOOL" copy --nobmap "$1" out
	no_crash
	says "bmaptool: ERROR: "
	[ "$(wc -l <stderr)" -le 6 ] || fail "a long story"
	rm -f out
	run_stdin "$1" 1 "$BMAPTOOL" copy --nobmap - out
	no_crash
	rm -f out
}
head -c 3000000 /dev/urandom >image
"$PY" - <<'END'
import lzma, struct, zlib

# xz: an LZMA2 dictionary of 4 GiB - 1 in the block header, its CRC made right.
data = bytearray(lzma.compress(open("image", "rb").read(), preset=0))
assert data[12 + 2] == 0x21 and data[12 + 3] == 1
data[12 + 4] = 40
size = (data[12] + 1) * 4
data[12 + size - 4:12 + size] = struct.pack("<I", zlib.crc32(data[12:12 + size - 4]))
open("dict.xz", "wb").write(data)

# xz: a footer that claims an index of 16 GiB.
data = bytearray(lzma.compress(b"x" * 100000, preset=0))
tail = struct.pack("<I", 0xffffffff) + data[-4:-2]
data[-12:] = struct.pack("<I", zlib.crc32(tail)) + tail + b"YZ"
open("index.xz", "wb").write(data)

# xz: an index of 2^62 records.
index = b"\x00" + b"\xff" * 8 + b"\x3f"
index += bytes(-len(index) % 4)
index += struct.pack("<I", zlib.crc32(index))
head = b"\xfd7zXZ\x00\x00\x04"
head += struct.pack("<I", zlib.crc32(head[6:]))
tail = struct.pack("<I", len(index) // 4 - 1) + b"\x00\x04"
open("records.xz", "wb").write(head + index + struct.pack("<I", zlib.crc32(tail)) + tail + b"YZ")
END
for file in dict.xz index.xz records.xz; do refused "$file"; done

if has_codec zstd; then
	"$PY" - <<-'END'
	import struct
	body = struct.pack("<I", (100000 << 3) | (1 << 1) | 1)[:3] + b"x"       # last block, RLE
	magic = b"\x28\xb5\x2f\xfd"
	open("window.zst", "wb").write(magic + b"\x00" + bytes([(31 - 10) << 3]) + body)
	open("huge.zst", "wb").write(magic + b"\x00" + b"\xff" + body)
	# A single segment of 2^62 bytes: the window is the content.
	open("single.zst", "wb").write(magic + b"\xe0" + struct.pack("<Q", 1 << 62) + body)
	# A seek table that claims 2^32-1 frames of nothing.
	table = struct.pack("<IBI", 0xffffffff, 0, 0x8F92EAB1)
	frame = magic + b"\x20\x01" + struct.pack("<I", (1 << 3) | 1)[:3] + b"x"
	open("table.zst", "wb").write(frame + struct.pack("<II", 0x184D2A5E, len(table)) + table)
	END
	for file in window.zst huge.zst single.zst; do refused "$file"; done
	# The frame before that table is good: taken or refused, but in little memory.
	# shellcheck disable=SC2016 # for that sh
	run_small 0 128 sh -c '"$1" copy --nobmap table.zst out; [ $? -le 1 ]' sh "$BMAPTOOL"
	no_crash
	rm -f out
fi
if has_codec lzo && command -v lzop >/dev/null; then
	lzop -c image >image.lzo
	"$PY" - <<-'END'
	import struct
	data = bytearray(open("image.lzo", "rb").read())
	at = 9 + 2 + 2 + 2 + 1 + 1 + 4 + 4 + 4 + 4
	at += 1 + data[at] + 4
	assert struct.unpack(">I", data[at:at + 4])[0] == 262144
	data[at:at + 8] = struct.pack(">II", 0xfffffff0, 0xffffff00)
	open("block.lzo", "wb").write(data)
	END
	refused block.lzo
fi
