#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Eight programs do all kinds of things to the same three files at once, copies from each to each
# among them: all come to an end, no byte reaches a file without its record, and once it is over
# mount and folder show the same.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

cat >storm.py <<'END'
import ctypes, errno, os, random, sys, time
chance = random.Random(int(sys.argv[1]))
libc = ctypes.CDLL(None, use_errno=True)
files = [os.open("mnt/f%d" % n, os.O_RDWR) for n in range(3)]
SIZE = 4 << 20
until = time.monotonic() + float(sys.argv[2])
done = 0
def place():
    return chance.randrange(SIZE) // 4096 * 4096 if chance.randrange(2) else chance.randrange(SIZE)
def fallocate(fd, mode):
    if libc.fallocate(fd, mode, ctypes.c_long(place()), ctypes.c_long(chance.randrange(1, 100000))) < 0 \
            and ctypes.get_errno() != errno.EOPNOTSUPP:
        raise OSError(ctypes.get_errno(), "fallocate %d" % mode)
while time.monotonic() < until:
    fd = chance.choice(files)
    what = chance.randrange(12)
    if what < 4:
        os.pwrite(fd, chance.randbytes(chance.randrange(1, 30000)), place())
    elif what < 6:
        os.pread(fd, chance.randrange(1, 300000), place())
    elif what == 6:
        try:
            os.copy_file_range(fd, chance.choice(files), chance.randrange(1, 200000), place(), place())
        except OSError as error:
            if error.errno != errno.EINVAL: # within a file, overlapping
                raise
    elif what == 7:
        fallocate(fd, chance.choice([0, 1, 3, 0x10, 0x11]))
    elif what == 8 and chance.randrange(4) == 0:
        os.ftruncate(fd, place())
    elif what == 9:
        try:
            os.lseek(fd, place(), chance.choice([os.SEEK_DATA, os.SEEK_HOLE]))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
    elif what == 10 and chance.randrange(8) == 0:
        os.fsync(fd)
    elif what == 11:
        name, other = ("mnt/n%d" % chance.randrange(4) for _ in range(2))
        for call in (lambda: os.link("mnt/f%d" % chance.randrange(3), name)), (lambda: os.rename(name, other)), (lambda: os.unlink(other)):
            try:
                call()
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOENT):
                    raise
    done += 1
print(done)
END
for punch in refuse forget; do
	rm -rf data
	mkdir data
	mount_traced --punch=$punch data mnt
	for n in 0 1 2; do
		truncate -s 4M mnt/f$n
	done
	pids=()
	for n in 1 2 3 4 5 6 7 8; do
		timeout -k 5 60 "$PY" storm.py $n 4 >done.$n 2>storm.$n &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "a program did not end well: $(cat storm.*)"
	done
	is_alive
	for n in 0 1 2; do
		cat data/f$n >seen
		same mnt/f$n seen
	done
	"$PY" - <<-'END' || fail "after the storm, --punch=$punch"
	# What the mount says of holes is what the record says; where there is a hole there are zeros.
	import os
	for n in range(3):
	    fd, size = os.open("mnt/f%d" % n, os.O_RDONLY), os.stat("mnt/f%d" % n).st_size
	    data, at, mapped = open("data/f%d" % n, "rb").read(), 0, 0
	    while at < size:
	        try:
	            first = os.lseek(fd, at, os.SEEK_DATA)
	        except OSError:
	            first = size
	        if data[at:first].strip(b"\0"):
	            raise SystemExit("f%d: not zeros in the hole at %d" % (n, at))
	        if first >= size:
	            break
	        at = os.lseek(fd, first, os.SEEK_HOLE)
	        mapped += (at + 4095) // 4096 - first // 4096
	    if os.fstat(fd).st_blocks != 8 * mapped:
	        raise SystemExit("f%d: %d blocks, not 8 times %d" % (n, os.fstat(fd).st_blocks, mapped))
	END
	rm -f mnt/n[0-9]
	unmount mnt
	truncate -s 0 nothing
	if [ $punch = refuse ]; then
		for n in 0 1 2; do
			record covered nothing data/f$n "$(record_of data/f$n)"
		done
	fi
done
