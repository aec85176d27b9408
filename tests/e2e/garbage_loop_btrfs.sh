#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: a btrfs on a loop device over a file of the traced folder, mounted, files
# copied in and partly deleted, trimmed.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage loop_btrfs loop_btrfs_deleted
kernel_has btrfs || skip "needs btrfs in the kernel"
must_break nonzero loop_btrfs
garbage_test loop_btrfs loop_btrfs_deleted
