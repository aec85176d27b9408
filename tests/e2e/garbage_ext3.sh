#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mke2fs -t ext3, with and without discarding first; flashed again over a used
# card, the journal of the previous life does not come back.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage ext3 ext3_nodiscard
must_break nonzero ext3
must_come_back ext3
garbage_test ext3 ext3_nodiscard
