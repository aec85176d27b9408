#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed in the middle, again and again: what was done is there, and the record covers
# every block that is not as it was.  The next mount goes on.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_exercise

# One operation is cut; data and records are compared with before and afterwards.
for punch in refuse forget zero; do
	mkdir data
	mount_commands --punch=$punch data mnt
	./mount-it || fail "not mounted"
	RUN_TIMEOUT=120 run 0 "$EXERCISE" --seed=5 --steps=1600 --checks=2 --punch=$punch --crashes=12 \
		--pid-file=pid --mount=./mount-it --unmount=./unmount-it mnt data/.bmap-trace data
	cat stdout
	rm -r data
done

# Four programs write at the same time; some of their last writes are cut.
cat >writer.py <<'END'
# Writes random blocks, or zeroes them, until it cannot.
import ctypes, os, random, sys
chance = random.Random(int(sys.argv[1]))
libc = ctypes.CDLL(None)
fd = os.open("mnt/image", os.O_RDWR)
try:
    while True:
        at, n = chance.randrange(15000), chance.randrange(1, 17)
        if chance.randrange(8):
            os.pwrite(fd, chance.randbytes(n * 4096), at * 4096)
        elif libc.fallocate(fd, 0x11, ctypes.c_long(at * 4096), ctypes.c_long(n * 4096)) < 0:
            break
        if n == 1:
            os.fsync(fd)
        open("written.%s" % sys.argv[1], "w").close()
except OSError:
    pass
END
mkdir data
mount_traced data mnt
truncate -s 64M mnt/image
for ((i = 0; i < 20; i++)); do
	dd if=/dev/urandom of=mnt/image bs=4096 count=3 seek=$((i * 700)) conv=notrunc status=none || fail "dd"
done
for round in 1 2 3 4; do
	unmount mnt
	cp --sparse=always data/image before
	cp "$(record_of data/image)" record.before
	mount_traced data mnt
	writers=()
	rm -f written.*
	for writer in 1 2 3 4; do
		"$PY" writer.py $((round * 10 + writer)) &
		writers+=($!)
	done
	# shellcheck disable=SC2317 # called by wait_for
	all_write() { local n; n=$(find . -maxdepth 1 -name 'written.*' | wc -l); [ "$n" = 4 ]; }
	wait_for 20 all_write || fail "nobody writes"
	kill_daemon mnt
	wait "${writers[@]}"
	record covered before data/image "$(record_of data/image)"
	# What was known before is not lost.
	"$PY" - record.before "$(record_of data/image)" <<-'END' || fail "round $round: facts are lost"
	import sys
	before, after = (open(path, "rb").read()[4096:] for path in sys.argv[1:])
	for n, byte in enumerate(before):
	    if byte & 3 and not (after[n] if n < len(after) else 0) & 3:
	        sys.exit("block %d was %d" % (n, byte))
	END
	mount_traced data mnt
	same data/image mnt/image
done
unmount mnt

# Blocks that were never touched: with nothing written before, hardly more is said than was done.
mkdir fresh
mount_traced fresh mnt
truncate -s 64M mnt/image
unmount mnt
cp --sparse=always fresh/image before
mount_traced fresh mnt
"$PY" writer.py 99 &
writer=$!
rm -f written.99
wait_for 20 [ -e written.99 ] || fail "nobody writes"
kill_daemon mnt
wait $writer
# All but the zeroed ones are random, and one write is under way.
record covered before fresh/image "$(record_of fresh/image)"
"$PY" - fresh/image "$(record_of fresh/image)" <<'END' || fail "the record says too much"
import sys
data, facts = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()[4096:]
more = [n for n, byte in enumerate(facts) if byte == 1 and not data[n * 4096:][:4096].strip(b"\0")]
if len(more) > 16:
    sys.exit("%d blocks are said to be written and are zeros, the first is %d" % (len(more), more[0]))
END
no_reports
