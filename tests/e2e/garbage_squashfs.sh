#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mksquashfs, compressed and not.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage squashfs squashfs_raw
must_break nonzero squashfs_raw
garbage_test squashfs squashfs_raw
