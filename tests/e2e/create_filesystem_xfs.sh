#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create on XFS: as Python's create, preallocation behind the end included
# (COMPAT.md C6).
. "${0%/*}/common.sh" || exit 99
requires_command mkfs.xfs python3 "$PYTHON_BMAPTOOL"
requires_loop
grep -qw xfs /proc/filesystems || modprobe xfs 2>/dev/null || skip "needs xfs in the kernel"

truncate -s 320M disk
mkfs.xfs -q disk || skip "needs an mkfs.xfs that makes 320 MiB"
mkdir mnt
mount -o loop disk mnt || skip "cannot mount xfs"
at_exit "umount $WORK/mnt"

while read -r size runs; do
	# shellcheck disable=SC2086 # words are meant
	make_image mnt/image "$size" $runs
	run 0 "$PYTHON_BMAPTOOL" create -o python.bmap mnt/image
	run 0 "$BMAPTOOL" create -o ours.bmap mnt/image
	check_map same python.bmap ours.bmap
	check_map verify ours.bmap mnt/image
done <<-'LIST'
	4096 0:1
	1000000 0:1 10:5 244:1
	1000000
	8388608 3:700 1024:1 1026:1000
LIST

# Written piece by piece, so that XFS has allocated behind the end of the file.
for _ in 1 2 3 4 5 6 7 8; do
	head -c 70000 /dev/urandom >>mnt/grown
done
run 0 "$BMAPTOOL" create -o ours.bmap mnt/grown
check_map verify ours.bmap mnt/grown
check_map mapped ours.bmap 0-136
