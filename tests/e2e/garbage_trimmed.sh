#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: what was deleted in a mounted filesystem stays mapped while punches are refused;
# trimmed in a second mount that grants them, it is mapped no more, and the map is right.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
cases=(loop_ext4_deleted loop_ext4_trimmed)
! kernel_has xfs || cases+=(loop_xfs_trimmed)
! kernel_has btrfs || cases+=(loop_btrfs_trimmed)
requires_garbage "${cases[@]}"
# Once is enough: the hosts are compared by the tests of each filesystem.
GARBAGE_HOSTS=${GARBAGE_HOSTS:-ext4}
garbage_test "${cases[@]}"
read -r _ deleted < <(gpy count "$WORK/maps/loop_ext4_deleted")
read -r _ trimmed < <(gpy count "$WORK/maps/loop_ext4_trimmed")
[ $((trimmed * 10)) -lt $((deleted * 9)) ] || fail "$trimmed blocks are mapped after trimming, $deleted before"
