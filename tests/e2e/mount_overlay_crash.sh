#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed in the middle of writes: what was acknowledged is there at
# the next mount, and every block is either old or new.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.wic 8388608 0:1000
a_map disk.wic
cat >writer.py <<'END'
# Writes numbered blocks; block N is acknowledged when the file "acknowledged" holds N + 1.
import os
fd = os.open("mnt/disk.wic", os.O_RDWR)
done = os.open("acknowledged", os.O_RDWR | os.O_CREAT)
try:
    for n in range(1 << 20):
        block = n * 37 % 2048
        os.pwrite(fd, (b"%8d" % n) * 512, block * 4096)
        os.pwrite(done, b"%8d" % (n + 1), 0)
except OSError:
    pass
END
for round in 1 2 3; do
	rm -f acknowledged changes changes.*
	mount_image --overlay=changes disk.wic mnt
	"$PY" writer.py &
	writer=$!
	# shellcheck disable=SC2317 # called by wait_for
	written() { [ -s acknowledged ] && [ "$(cat acknowledged)" -gt $((round * 300)) ]; }
	wait_for 20 written || fail "nothing is written"
	kill -KILL "$(daemons)"
	wait $writer
	umount -l mnt
	wait_for 10 no_daemons
	mount_image --overlay=changes disk.wic mnt
	"$PY" - "$(cat acknowledged)" <<-'END' || fail "round $round"
	import sys
	done = int(sys.argv[1])
	seen, old = open("mnt/disk.wic", "rb").read(), open("disk.wic", "rb").read()
	last = {n * 37 % 2048: n for n in range(done)}
	for block in range(2048):
	    data = seen[block * 4096:][:4096]
	    wanted = [(b"%8d" % last[block]) * 512 if block in last else old[block * 4096:][:4096]]
	    if block == done * 37 % 2048:
	        wanted.append((b"%8d" % done) * 512)
	    if data not in wanted:
	        sys.exit("block %d of %d acknowledged ones: %r" % (block, done, data[:16]))
	END
	unmount mnt
done
