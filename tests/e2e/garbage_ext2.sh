#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test (TRACE, 4): mke2fs -t ext2 with files in it. A map by SEEK_HOLE or FIEMAP
# breaks it: mke2fs punches the file and then relies on the zeros of inode tables that it never
# writes.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage ext2 ext2_nodiscard ext2_4k
must_break nonzero ext2 ext2_4k
garbage_test ext2 ext2_nodiscard ext2_4k
