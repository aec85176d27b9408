#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Blocks that are allocated but unwritten are mapped (FIEMAP), although
# SEEK_DATA calls them a hole; what lies behind the end is not (COMPAT.md D3).
. "${0%/*}/common.sh" || exit 99
case $(stat -f -c %T .) in ext2/ext3 | xfs | btrfs) ;; *) skip "needs ext4, xfs or btrfs, here is $(stat -f -c %T .)" ;; esac
requires_command fallocate

make_image image 1M 0:1
fallocate -o 409600 -l 40960 image || skip "no fallocate here"
run 0 "$BMAPTOOL" create -o image.bmap image
check_map verify image.bmap image
check_map mapped image.bmap 0 100-109
check_map unmapped image.bmap 1-99 110-255

# FALLOC_FL_ZERO_RANGE, which mke2fs uses on its journal.
make_image image 1M 0:256
fallocate -z -o 409600 -l 40960 image || skip "no FALLOC_FL_ZERO_RANGE here"
run 0 "$BMAPTOOL" create -o image.bmap image
check_map verify image.bmap image
check_map mapped image.bmap 0-255

# Allocated behind the end of the file.
make_image image 1000001 0:1 244:1
fallocate -n -o 999424 -l 1048576 image
run 0 "$BMAPTOOL" create -o image.bmap image
check_map verify image.bmap image
[ "$(check_map blocks image.bmap)" = "0 244" ] || fail "mapped: $(check_map blocks image.bmap)"
