#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: a vfat on a loop device over a file of the traced folder, mounted, files copied
# in and partly deleted.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
kernel_has vfat || skip "needs vfat in the kernel"
requires_trace
requires_garbage loop_vfat
must_break nonzero loop_vfat
garbage_test loop_vfat
