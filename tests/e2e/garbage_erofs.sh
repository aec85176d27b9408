#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mkfs.erofs, plain and with lz4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage erofs erofs_lz4
must_break nonzero erofs
garbage_test erofs erofs_lz4
