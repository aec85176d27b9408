#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test, wic's way: a temporary file beside the image, SEEK_HOLE probed, fsync on a
# descriptor for reading, parts copied sparsely into the disk, renamed.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage wic
must_break nonzero wic
garbage_test wic
