#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mke2fs relies on the zeros of what it punches. Counted as zeroed, the map is right;
# forgotten, it is wrong, which is why punches are refused unless asked otherwise.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage ext2_forget ext2_zero ext4_forget
must_not_pass broken ext2_forget
must_not_pass latent ext4_forget
garbage_test ext2_zero
