#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: LUKS containers, versions 1 and 2, with two keys and data. No device mapper
# is needed: the keys are tried and the data compared.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage luks1 luks2
must_break nonzero luks2
garbage_test luks1 luks2
