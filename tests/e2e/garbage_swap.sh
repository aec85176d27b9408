#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: mkswap.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage swap
garbage_test swap
