#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A zstd file that begins with a large skippable frame is decoded; the old .lzma
# format is refused, never copied as it is.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 2
if has_codec zstd && command -v zstd >/dev/null; then
	zstd -q image
	for size in 4000 5000 70000 1000000; do
		"$PY" - "$size" >skip.zst <<-'END'
		import struct, sys
		size = int(sys.argv[1])
		sys.stdout.buffer.write(struct.pack("<II", 0x184D2A53, size) + bytes(size))
		sys.stdout.buffer.write(open("image.zst", "rb").read())
		END
		cp skip.zst nosuffix
		for file in skip.zst nosuffix; do
			rm -f out
			run 0 "$BMAPTOOL" copy --nobmap $file out
			cmp image out >&2 || fail "$file, $size bytes to skip"
		done
		rm -f out
		run_stdin skip.zst 0 "$BMAPTOOL" copy --nobmap - out
		cmp image out >&2 || fail "standard input, $size bytes to skip"
	done
fi

rm -f out
xz --format=lzma -k image
cp image.lzma IMAGE.LZMA
cp image.lzma bare
for file in image.lzma IMAGE.LZMA bare; do
	run 1 "$BMAPTOOL" copy --nobmap $file out
	no_crash
	says "bmaptool: ERROR: "
	says "$file"
	[ ! -e out ] || fail "$file: out was made"
done
run_stdin image.lzma 1 "$BMAPTOOL" copy --nobmap - out
no_crash
says "standard input"
[ ! -e out ] || fail "standard input: out was made"
