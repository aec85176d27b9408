#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create writes the same elements and values as Python's create, for images of
# many sizes and shapes on the local disk (COMPAT.md C6; FIEMAP path).
. "${0%/*}/common.sh" || exit 99
requires_command python3 "$PYTHON_BMAPTOOL"

compare() {
	run 0 "$PYTHON_BMAPTOOL" create -o python.bmap image
	run 0 "$BMAPTOOL" create -o ours.bmap image
	silent_stdout
	check_map same python.bmap ours.bmap
}

# SIZE, then the mapped runs, FIRST:COUNT in blocks.
while read -r size runs; do
	# shellcheck disable=SC2086 # words are meant
	make_image image "$size" $runs
	compare
done <<-'LIST'
	4096
	4096 0:1
	8192 0:1
	12288 1:1
	4097 0:2
	4097 1:1
	1 0:1
	511
	1000000 0:1 10:5 244:1
	1000000 0:245
	1000000
	1048576 0:1 2:1 4:1 6:1 8:1 100:100 255:1
	1048577 0:1 256:1
	6291456 0:1536
	6291455 0:1 1535:1
	8388608 3:700 1024:1 1026:1000
	16777216 0:1 4095:1
LIST

# A hole that was punched, and a file that was cut after it was written.
make_image image 1M 0:256
fallocate -p -o 65536 -l 131072 image
compare
check_map unmapped ours.bmap 16-47
truncate -s 300000 image
compare
check_map verify ours.bmap image
