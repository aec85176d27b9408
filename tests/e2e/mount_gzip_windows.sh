#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The windows of a gzip index have no checksum: when they are damaged, no wrong
# byte comes out, since the map has checksums.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

seq 1 1200000 | head -c 8388608 >text
a_map text
gzip -1nk text
run 0 "$BMAPTOOL" index --nobmap --index-step 512K text.gz
printf 'nonsense%.0s' $(seq 8000) | dd of=text.gz.gzidx bs=1 seek=$(($(stat -c %s text.gz.gzidx) - 64000)) conv=notrunc status=none
mount_image text.gz mnt
timeout 20 cat mnt/text >copy 2>cat.stderr || grep -q 'Input/output error' cat.stderr || fail "$(cat cat.stderr)"
cmp -n "$(stat -c %s copy)" copy text >&2 || fail "wrong bytes by a damaged window"
