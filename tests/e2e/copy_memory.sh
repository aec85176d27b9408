#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A compressed copy stays below 96 MiB of memory, and a --memory of 8 MiB is
# obeyed for streams of several pieces.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 16
make_map image
for how in gzip xz xz-blocks $(has_codec zstd && echo zstd-frames) $(has_codec bzip2 && echo bzip2) $(has_codec lz4 && echo lz4); do
	file=image.$(suffix_of "$how")
	compress "$how" image "$file"
	rm -f out
	run_small 0 96 "$BMAPTOOL" copy "$file" out
	same image out
	run_small 0 64 "$BMAPTOOL" copy --memory 8M "$file" out
	same image out
done
xz -9 -T1 -kf image
rm -f out
run_small 0 128 "$BMAPTOOL" copy image.xz out
same image out
