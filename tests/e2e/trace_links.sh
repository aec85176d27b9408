#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file with several links has one record; the record follows its file through renames, also of
# folders, and goes with the last link, at once or when the last handle is closed.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

n_records() { find data/.bmap-trace -name '*.trace' | wc -l; }
n_records_is() { [ "$(n_records)" = "$1" ]; }
attribute() { getfattr --only-values --absolute-names -n user.bmapfs.trace "$1" 2>/dev/null || fail "no user.bmapfs.trace of $1"; }
put() { dd if=/dev/urandom of="$1" bs=4096 count=1 seek="$2" conv=notrunc status=none || fail "dd of $1"; }

mkdir data
mount_traced data mnt
requires_command getfattr
mkdir mnt/a mnt/b mnt/c
put mnt/a/one 0
ln mnt/a/one mnt/b/two
put mnt/b/two 2
mv mnt/a/one mnt/c/three
put mnt/c/three 4
[ "$(attribute mnt/b/two)" = "$(attribute mnt/c/three)" ] || fail "two records for one file"
[ "$(attribute mnt/b/two)" = "$(realpath data)/.bmap-trace/$(basename "$(record_of data/b/two data/.bmap-trace)")" ] ||
	fail "user.bmapfs.trace is $(attribute mnt/b/two)"
[ "$(stat -c '%h %b' mnt/b/two)" = "2 24" ] || fail "two: $(stat -c '%h links, %b blocks' mnt/b/two)"
[ "$(stat -c %i mnt/b/two)" = "$(stat -c %i mnt/c/three)" ] || fail "two links with two inode numbers"
has_facts "0:1 2:1 4:1" data/c/three
mv mnt/c mnt/d
put mnt/d/three 6
# The attribute cannot be set or removed, and is listed or not, but does no harm to others.
setfattr -n user.bmapfs.trace -v /etc/passwd mnt/b/two 2>/dev/null && fail "user.bmapfs.trace can be set"
setfattr -x user.bmapfs.trace mnt/b/two 2>/dev/null && fail "user.bmapfs.trace can be removed"
setfattr -n user.other -v text mnt/b/two || fail "no attribute can be set"
[ "$(getfattr --only-values -n user.other data/b/two 2>/dev/null)" = text ] || fail "an attribute does not reach the file"
unmount mnt
has_facts "0:1 2:1 4:1 6:1" data/b/two
! getfattr -d data/b/two 2>/dev/null | grep -q bmapfs || fail "an attribute was left on the file"

# In the next mount by the other link.
mount_traced data mnt
put mnt/b/two 8
rm mnt/d/three
n_records_is 1 || fail "$(n_records) records, with one link left"
put mnt/b/two 10
# Open without a name.
exec 5<>mnt/b/two
rm mnt/b/two
printf 'still there' >&5
[ "$(head -c 11 /proc/self/fd/5)" = "still there" ] || fail "an open file without a name cannot be read"
exec 5>&-
wait_for 10 n_records_is 0 || fail "$(n_records) records are left"
# Renamed over another.
put mnt/old 1
put mnt/new 3
n_records_is 2 || fail "$(n_records) records"
mv mnt/new mnt/old
wait_for 10 n_records_is 1 || fail "$(n_records) records after one was renamed over the other"
# Two that are exchanged keep their own.
put mnt/left 5
put mnt/right 7
"$PY" - <<'END' || fail "exchange"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, b"mnt/left", -100, b"mnt/right", 2) < 0:
    raise SystemExit(os.strerror(ctypes.get_errno()))
if libc.renameat2(-100, b"mnt/left", -100, b"mnt/right", 1) == 0 or ctypes.get_errno() != 17:
    raise SystemExit("RENAME_NOREPLACE replaced")
END
unmount mnt
has_facts 3:1 data/old
has_facts 7:1 data/left
has_facts 5:1 data/right

# A new file does not inherit from one that had its inode.
mount_traced data mnt
for ((i = 0; i < 30; i++)); do
	put mnt/again 3
	rm mnt/again
	truncate -s 32768 mnt/again
	[ "$(stat -c %b mnt/again)" = 0 ] || fail "a new file has $(stat -c %b mnt/again) blocks"
	rm mnt/again
done
unmount mnt
no_reports
