#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mkfs.btrfs --rootdir.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage btrfs
must_break nonzero btrfs
garbage_test btrfs
