#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: an xfs on a loop device over a file of the traced folder, mounted, files
# copied in and partly deleted, trimmed.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage loop_xfs loop_xfs_deleted
kernel_has xfs || skip "needs xfs in the kernel"
must_break nonzero loop_xfs
garbage_test loop_xfs loop_xfs_deleted
