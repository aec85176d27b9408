#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: a U-Boot environment whose rest is zeros, and one that is zeros altogether.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage uboot
must_break nonzero uboot
garbage_test uboot
