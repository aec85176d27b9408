#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The journal of a traced folder: each event a line, and fio replays it.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_command fio

mkdir data
mount_traced --punch=forget --events=journal data mnt
truncate -s 1M mnt/image
"$PY" - <<'END'
import os
fd = os.open("mnt/image", os.O_RDWR)
os.pwrite(fd, b"x" * 4096, 8192)
os.pread(fd, 100, 8192)
os.fdatasync(fd)
os.fsync(fd)
os.close(fd)
END
fallocate -p -o 4096 -l 8192 mnt/image
fallocate -z -o 16384 -l 4096 mnt/image
echo x >"mnt/a name"
cp --sparse=never mnt/image mnt/copy
unmount mnt
head -n 1 journal | grep -qx "fio version 3 iolog" || fail "the first line is $(head -n 1 journal)"
"$PY" - journal "$(realpath data)" <<'END' || fail "the journal"
import re, sys
lines = open(sys.argv[1]).read().splitlines()[1:]
image, name = sys.argv[2] + "/image", sys.argv[2] + "/a_name"
def rest(name): return [line.split(" ", 2)[2] for line in lines if line.split(" ")[1] == name]
want = ["write 8192 4096", "read 8192 100", "datasync 0 0", "sync 0 0", "trim 4096 8192", "sync 0 0", "write 16384 4096"]
have = [line for line in rest(image) if line not in ("add", "open", "close")]
if have[:len(want)] != want: sys.exit("of the image: %s" % have[:8])
if rest(image)[:2] != ["add", "open"]: sys.exit("no add first: %s" % rest(image)[:3])
if rest(name) != ["add", "open", "write 0 2", "close"]: sys.exit("of the other name: %s" % rest(name))
times = [int(line.split(" ")[0]) for line in lines]
if times != sorted(times): sys.exit("time goes back")
END
# fio cannot replay a copy onto files that are not there: the image alone, in its folder.
{
	echo "fio version 3 iolog"
	grep -F " $(realpath data)/image " journal
} >replay
run 0 fio --name=replay --read_iolog=replay --ioengine=psync --size=1m
grep -q "err= 0" stdout || fail "fio says $(head -c 500 stdout)"
