#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mkfs.xfs -p. Its log is zeroed by FALLOC_FL_ZERO_RANGE only, which SEEK_DATA
# calls a hole.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage xfs
kernel_has xfs || skip "needs xfs in the kernel"
must_break nonzero xfs
garbage_test xfs
