#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is wrong at mount is one sentence and exit 1, and leaves neither a mount
# nor a process; wrong options are 2.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 1000000 0:1 10:5
a_map disk.wic
refuses_mount 'missing.wic' missing.wic mnt
refuses_mount 'nowhere' --nobmap http://127.0.0.1:1/nowhere mnt
mkdir mnt/sub
run 1 "$BMAPFS" disk.wic missing
says_re '^bmapfs: ERROR: .*missing'
[ "$(wc -l <stderr)" = 1 ] || fail "more than a sentence"
mkfifo fifo
run 1 "$BMAPFS" disk.wic fifo
says_re '^bmapfs: ERROR: .*fifo'
refuses_mount 'nosuch' -o nosuch=1 disk.wic mnt
printf '\3757zXZ\000 and no xz at all' >bad.xz
refuses_mount 'bad.xz' --nobmap bad.xz mnt
refuses_mount 'mnt' --nobmap mnt mnt
no_daemons || fail "a daemon is left"
for arguments in "" "disk.wic" "disk.wic mnt mnt" "--nosuch disk.wic mnt" "--memory=none disk.wic mnt" "--threads=-1 disk.wic mnt" "--index-step=x disk.wic mnt"; do
	# shellcheck disable=SC2086 # a list of words
	run 2 "$BMAPFS" $arguments
	says "usage: bmapfs"
	silent_stdout
done
