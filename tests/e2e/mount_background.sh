#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The parent returns when the mount can be used; the daemon has let go of the
# terminal, of its folder and of the descriptors it was given.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1000000 0:1 10:5
a_map disk.wic
mkdir mnt held
at_exit "_clear $PWD/mnt"
# Who waits for the end of its output gets it.
out=$(timeout 20 "$BMAPFS" disk.wic mnt 2>&1 7<held) || fail "status $?: $out"
[ -z "$out" ] || fail "it says $out"
same disk.wic mnt/disk.wic
pid=$(daemons)
[ "$(wc -w <<<"$pid")" = 1 ] || fail "not one daemon: $pid"
for fd in 0 1 2; do
	[ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ] || fail "descriptor $fd: $(readlink "/proc/$pid/fd/$fd")"
done
[ "$(readlink "/proc/$pid/cwd")" = / ] || fail "its folder is $(readlink "/proc/$pid/cwd")"
[ "$(ps -o sid= -p "$pid" | tr -d ' ')" != "$(ps -o sid= -p $$ | tr -d ' ')" ] || fail "in our session"
[ "$(ps -o tty= -p "$pid" | tr -d ' ')" = '?' ] || fail "it has a terminal"
grep -q " $PWD/mnt fuse.bmapfs ro," /proc/self/mounts || fail "mounts: $(grep mnt /proc/self/mounts)"
grep -q "^$PWD/disk.wic \|disk.wic " /proc/self/mounts || fail "the source is not shown"
unmount mnt
# Relative names work from anywhere, and the folder may go.
mkdir place
cp disk.wic disk.wic.bmap place
(cd place && timeout 20 "$BMAPFS" disk.wic ../mnt) || fail "relative names"
same disk.wic mnt/disk.wic
unmount mnt
