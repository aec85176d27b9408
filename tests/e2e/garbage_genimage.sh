#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: a disk by genimage (MBR, vfat, ext4); its parts without punches of their own
# in a folder that grants punches.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage genimage genimage_nodiscard
must_break nonzero genimage
garbage_test genimage
