#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create on btrfs, with and without compression, and a file so small that it
# lies in the metadata (COMPAT.md C6).
. "${0%/*}/common.sh" || exit 99
requires_command mkfs.btrfs python3 "$PYTHON_BMAPTOOL"
requires_loop
grep -qw btrfs /proc/filesystems || modprobe btrfs 2>/dev/null || skip "needs btrfs in the kernel"

truncate -s 200M disk
mkfs.btrfs -q disk >mkfs.log 2>&1 || skip "mkfs.btrfs does not work here: $(tail -1 mkfs.log)"
mkdir mnt
mount -o loop,compress-force=zstd disk mnt || skip "cannot mount btrfs"
at_exit "umount $WORK/mnt"

while read -r size runs; do
	# shellcheck disable=SC2086 # words are meant
	make_image mnt/image "$size" $runs
	run 0 "$PYTHON_BMAPTOOL" create -o python.bmap mnt/image
	run 0 "$BMAPTOOL" create -o ours.bmap mnt/image
	check_map same python.bmap ours.bmap
	check_map verify ours.bmap mnt/image
done <<-'LIST'
	1048576 0:256
	1000000 0:1 10:5 244:1
	1000000
	8388608 3:700 1024:1 1026:1000
LIST

# Compressed extents: text, with a hole.
seq 200000 | head -c 1048576 >mnt/text
truncate -s 2M mnt/text
sync mnt/text
run 0 "$BMAPTOOL" create -o ours.bmap mnt/text
check_map verify ours.bmap mnt/text
check_map mapped ours.bmap 0-255
check_map unmapped ours.bmap 256-511

echo "so small that it lies in the metadata" >mnt/inline
sync mnt/inline
run 0 "$BMAPTOOL" create -o ours.bmap mnt/inline
check_map verify ours.bmap mnt/inline
check_map mapped ours.bmap 0
