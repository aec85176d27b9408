#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One mount at a time traces a folder; a second one is refused with one sentence, by whatever path
# it comes, and the first goes on.  After the end of the first, however it ended, it works.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

mkdir data other
mount_traced data mnt
echo one >mnt/file
ln -s data alias
for folder in data alias "$PWD/data/."; do
	daemon=$DAEMON
	run 1 "$BMAPFS" --trace "$folder" other
	no_crash
	[ "$(grep -c ERROR stderr)" = 1 ] || fail "not one ERROR line"
	says_re '^bmapfs: ERROR: .*(already|in use|traced|another|busy)'
	! is_mounted other || fail "mounted twice"
	DAEMON=$daemon
	is_alive
done
echo two >>mnt/file
[ "$(cat mnt/file)" = "$(printf 'one\ntwo')" ] || fail "the first mount: $(cat mnt/file)"
kill_daemon mnt
mount_traced data mnt
unmount mnt
has_facts 0:1 data/file

# With the records elsewhere it is still the same folder.
mkdir here there
mount_traced --trace=here data mnt
run 1 "$BMAPFS" --trace=there data other
no_crash
[ "$(grep -c ERROR stderr)" = 1 ] || fail "not one ERROR line"
! is_mounted other || fail "mounted twice"
unmount mnt

# Two folders are two mounts.
mkdir second
mount_traced data mnt
first=$DAEMON
mount_traced second mnt2
echo a >mnt/file
echo b >mnt2/file
_unmount mnt || fail "umount"
wait "$first"
unmount mnt2
has_facts 0:1 second/file

# What is no folder, or is not there.
refuses_mount 'nowhere' --trace nowhere mnt
refuses_mount 'No such|not there|there is no|cannot' --trace=nowhere/records data mnt
