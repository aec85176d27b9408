#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mkfs.vfat and mcopy, FAT of 12, 16 and 32 bits. The kernel may have no vfat:
# fsck.vfat and mcopy look at the target.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage vfat12 vfat16 vfat32
must_break nonzero vfat12 vfat16 vfat32
garbage_test vfat12 vfat16 vfat32
