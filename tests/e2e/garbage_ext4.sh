#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mke2fs -t ext4, with and without discarding first, in small and large blocks:
# the inode tables of groups flagged ITABLE_ZEROED are zero, and no journal of a previous life
# comes back.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage ext4 ext4_nodiscard ext4_4k
must_break nonzero ext4 ext4_4k
must_come_back ext4
garbage_test ext4 ext4_nodiscard ext4_4k
