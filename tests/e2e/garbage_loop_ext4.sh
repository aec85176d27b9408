#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: an ext4 on a loop device over a file of the traced folder, mounted, files
# copied in and partly deleted, trimmed.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage loop_ext4 loop_ext4_deleted
must_break nonzero loop_ext4
garbage_test loop_ext4 loop_ext4_deleted
