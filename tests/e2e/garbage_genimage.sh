#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: a disk by genimage (MBR, vfat, ext4), all of which is mapped because genimage
# writes out what FIEMAP does not call a hole; its parts put together by SEEK_DATA are exact.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
requires_garbage genimage genimage_assembled
must_break nonzero genimage
garbage_test genimage genimage_assembled
read -r _ whole < <(gpy count "$WORK/maps/genimage")
read -r _ assembled < <(gpy count "$WORK/maps/genimage_assembled")
[ $((assembled * 2)) -lt "$whole" ] || fail "$assembled blocks are mapped when put together by SEEK_DATA, $whole before"
