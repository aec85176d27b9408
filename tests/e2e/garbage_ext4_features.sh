#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mke2fs -t ext4 without metadata_csum, without any group checksums, and with
# tables and journal initialised at once.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage ext4_nocsum ext4_bare ext4_eager ext4_eager_nodiscard
garbage_test ext4_nocsum ext4_bare ext4_eager ext4_eager_nodiscard
