#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: the hash tree of dm-verity behind a squashfs, and behind an ext4 whose
# untouched blocks are hashed as well.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage verity verity_ext4 verity_apart
must_break nonzero verity verity_ext4
must_not_pass broken verity_apart_safe
garbage_test verity verity_ext4 verity_apart
