#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's Python bmaptool copies with our maps (COMPAT.md C6).
. "${0%/*}/common.sh" || exit 99
requires_command "$PYTHON_BMAPTOOL"
while read -r size runs; do
	# shellcheck disable=SC2086 # words are meant
	make_image image "$size" $runs
	run 0 "$BMAPTOOL" create -o image.bmap image
	run 0 "$PYTHON_BMAPTOOL" copy image copy
	says "discovered bmap file"
	same image copy
	rm copy
done <<-'LIST'
	1 0:1
	1048576
	1000001 0:1 10:5 244:1
	4194304 3:700 1023:1
LIST
# A map that does not fit is refused by both.
make_image image 1000001 0:1 10:5 244:1
run 0 "$BMAPTOOL" create -o image.bmap image
printf x | dd of=image bs=1 seek=41000 conv=notrunc status=none
run 1 "$PYTHON_BMAPTOOL" copy image copy
run 1 "$BMAPTOOL" copy image copy
says "checksum mismatch for blocks range 10-14"
