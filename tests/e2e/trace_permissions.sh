#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With allow_other permissions are those of the host: another user may there what he may in the
# folder itself, and what he makes is his.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_root
requires_command setpriv

chmod 755 "$WORK"
mkdir data
mount_traced -o allow_other data mnt
as() { timeout -k 5 20 setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@" 2>as.stderr; }
as_group() { timeout -k 5 20 setpriv --reuid=65534 --regid=65534 --groups=4242 -- "$@" 2>as.stderr; }
may_not() { ! as "$@" >/dev/null || fail "he may: $*"; grep -qiE 'denied|not permitted' as.stderr || fail "another reason: $(cat as.stderr)"; }

umask 022
echo text >mnt/public
echo text >mnt/private
chmod 600 mnt/private
mkdir mnt/closed mnt/open mnt/sticky mnt/group
echo text >mnt/closed/file
chmod 700 mnt/closed
chmod 777 mnt/open
chmod 1777 mnt/sticky
echo text >mnt/open/root
echo text >mnt/sticky/root
chgrp 4242 mnt/group
chmod 770 mnt/group
cp /bin/true mnt/tool
[ "$(as cat mnt/public)" = text ] || fail "he may not read what all may: $(cat as.stderr)"
may_not cat mnt/private
may_not sh -c 'echo x >>mnt/public'
may_not truncate -s 0 mnt/public
may_not cat mnt/closed/file
may_not ls mnt/closed
may_not touch mnt/new
may_not mkdir mnt/new
may_not rm -f mnt/public
may_not mv mnt/public mnt/other
may_not ln -s x mnt/new
may_not chmod 777 mnt/public
may_not chown 65534 mnt/public
may_not touch -d @5 mnt/public
may_not setfattr -n user.x -v y mnt/public
may_not rm -f mnt/sticky/root
may_not ls mnt/group
as_group touch mnt/group/his || fail "his second group: $(cat as.stderr)"
as mnt/tool || fail "he may not run a program"
chmod 644 mnt/tool
may_not mnt/tool

# What he makes.
as sh -c 'echo mine >mnt/open/file && mkdir mnt/open/folder && ln -s x mnt/open/link && mkfifo mnt/open/fifo' ||
	fail "he may not make anything: $(cat as.stderr)"
for name in file folder link fifo; do
	[ "$(stat -c %u:%g "data/open/$name")" = 65534:65534 ] || fail "$name belongs to $(stat -c %u:%g "data/open/$name")"
done
[ "$(stat -c %a data/open/file)" = 644 ] || fail "mode $(stat -c %a data/open/file)"
as sh -c 'umask 077; echo mine >mnt/open/mine' || fail "$(cat as.stderr)"
[ "$(stat -c %a data/open/mine)" = 600 ] || fail "mode $(stat -c %a data/open/mine), the umask was 077"
as rm mnt/open/root || fail "he may remove in a folder that all may write: $(cat as.stderr)"
as setfattr -n user.x -v y mnt/open/file || fail "an attribute: $(cat as.stderr)"
may_not setfattr -n trusted.x -v y mnt/open/file
# In a folder whose group is handed on.
chgrp 4242 mnt/open
chmod 2777 mnt/open
as touch mnt/open/handed || fail "$(cat as.stderr)"
[ "$(stat -c %g data/open/handed)" = 4242 ] || fail "the folder's group is not handed on: $(stat -c %g data/open/handed)"
# Who writes into a set-user-id program takes that away.
cp /bin/true mnt/open/setuid
chmod 6777 mnt/open/setuid
as sh -c 'echo x >>mnt/open/setuid' || fail "$(cat as.stderr)"
[ "$(stat -c %a data/open/setuid)" = 777 ] || fail "mode $(stat -c %a data/open/setuid) after a write by another"
# Records are not his.
may_not cat "$(record_of data/open/file data/.bmap-trace)"
has_facts 0:1 data/open/file data/.bmap-trace
is_alive
unmount mnt

# Without allow_other he sees nothing.
mount_traced data mnt
may_not ls mnt
unmount mnt
