#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create on a filesystem without FIEMAP (tmpfs: SEEK_DATA and SEEK_HOLE) gives
# the same elements and values as Python's create (COMPAT.md C6, D1).
. "${0%/*}/common.sh" || exit 99
requires_command python3 "$PYTHON_BMAPTOOL"
[ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] || skip "needs a tmpfs at /dev/shm"
shm=$(mktemp -d /dev/shm/bmap-e2e.XXXXXX)
at_exit "rm -rf $shm"

while read -r size runs; do
	# shellcheck disable=SC2086 # words are meant
	make_image "$shm/image" "$size" $runs
	run 0 "$PYTHON_BMAPTOOL" create -o python.bmap "$shm/image"
	run 0 "$BMAPTOOL" create -o ours.bmap "$shm/image"
	check_map same python.bmap ours.bmap
	check_map verify ours.bmap "$shm/image"
done <<-'LIST'
	4096 0:1
	4096
	4097 1:1
	4097 0:1
	1000000 0:1 10:5 244:1
	1000000 0:245
	1000000
	1048576 0:1 2:1 4:1 100:100 255:1
	8388608 3:700 1024:1 1026:1000
LIST
[ "$(ls "$shm")" = image ] || fail "something was left beside the image: $(ls "$shm")"
