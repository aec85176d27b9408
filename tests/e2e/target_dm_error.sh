#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A device whose second half fails (device mapper: linear, then error): exit 1,
# the blocks are named (COMPAT.md B2, rpi-imager).
. "${0%/*}/common.sh" || exit 99
requires_command dmsetup
requires_root
dmsetup version >/dev/null 2>&1 || skip "no device mapper in this kernel"
loop_device disk 8M
name=bmap-e2e-$$
printf '0 8192 linear %s 0\n8192 8192 error\n' "$LOOP" | dmsetup create "$name" || skip "dmsetup cannot make a device"
at_exit "dmsetup remove --retry $name"
make_image image 8M 0:16 2000:48
run 0 "$BMAPTOOL" create -o image.bmap image
run 1 "$BMAPTOOL" copy image "/dev/mapper/$name"
no_crash
says_re "ERROR: .*(error while writing blocks [0-9]+-[0-9]+ of '|cannot synchronize ')"
says "Input/output error"
says_not "copying time"
# The loop device below is held by the mapping: named so.
run 1 "$BMAPTOOL" copy image "$LOOP"
says "cannot open block device '$LOOP' in exclusive mode: "
says "$name"
