#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mkfs.f2fs and sload.f2fs. The kernel may have no f2fs: fsck.f2fs checks the
# target, and its files are read by their inodes.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage f2fs
must_break nonzero f2fs
garbage_test f2fs
