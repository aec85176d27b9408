#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# zstd's other shapes: without and with checksum, unknown content size, long
# windows up to zstd's own default limit, pzstd's many frames.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_codec zstd
requires_command zstd pzstd

a_disk image 4
make_map image map
zstd -q --no-check -c image >nocheck.zst
zstd -q -1 -c <image >unknown.zst
zstd -q -3 --long=27 -c <image >long.zst
zstd -q --fast=5 -c image >fast.zst
pzstd -q -p 4 -1 -c image >pzstd.zst
for file in *.zst; do
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map "$file" out
	same image out
	rm -f out
	run_stdin "$file" 0 "$BMAPTOOL" copy --nobmap - out
	same image out
done
