#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: qemu-img convert into the traced folder, of everything (-S 0) and into a file
# that is there already (-n).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage qemu_all qemu_into
must_break nonzero qemu_all
must_not_pass broken qemu
garbage_test qemu_all qemu_into
