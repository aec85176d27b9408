#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image whose size is no multiple of the block or of the sector: all its
# bytes reach the device, those behind it stay (COMPAT.md B2, Etcher, caligula).
. "${0%/*}/common.sh" || exit 99
loop_device disk 2M
for size in 1 5000 512513 1000001 1048575 1048577; do
	last=$(((size - 1) / 4096))
	make_image image "$size" 0:1 "$last:1"
	run 0 "$BMAPTOOL" create -o image.bmap image
	gzip -kf image
	for arguments in image "--nobmap image" image.gz "--nobmap image.gz"; do
		head -c 2097152 /dev/zero | tr '\0' '\252' >"$LOOP"
		# shellcheck disable=SC2086 # words are meant
		run 0 "$BMAPTOOL" copy $arguments "$LOOP"
		cmp -n 1 image "$LOOP" || fail "$size: the first byte"
		tail -c 1 image | cmp -s - <(dd if="$LOOP" bs=1 skip=$((size - 1)) count=1 status=none) || fail "$size, $arguments: the last byte"
		cmp -n $(((size - 1) % 4096 + 1)) -i $((last * 4096)) image "$LOOP" >&2 || fail "$size, $arguments: the last block"
		tail -c +$((size + 1)) "$LOOP" | tr -d '\252' | cmp -s - /dev/null || fail "$size, $arguments: bytes behind the image were changed"
	done
done
