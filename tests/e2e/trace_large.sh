#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A sparse file of 1 TiB and an empty one: 64-bit offsets, holes found at once, a record that takes
# room for what was touched, and a daemon that stays small.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

tib=1099511627776
mkdir data
truncate -s $tib probe 2>/dev/null || skip "needs a filesystem for files of 1 TiB"
rm probe
mount_traced data mnt
: >mnt/empty
truncate -s $((tib + 1)) mnt/image
small_daemon() {
	local peak
	peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$DAEMON/status")
	BMAPTOOL=$BMAPFS sanitized || [ "$peak" -le 64 ] || fail "$1: the daemon took $peak MiB"
}
cat >seek.py <<'END'
import os, sys, time
TIB = 1 << 40
fd = os.open("mnt/image", os.O_RDWR)
places = [0, (1 << 31) - 2, (1 << 32) - 2048, TIB // 2 + 5, TIB - 1]
for place in places:
    os.pwrite(fd, b"here", place)
blocks = sorted({b for place in places for b in (place >> 12, (place + 3) >> 12)})
want = []
for block in blocks:
    if want and want[-1][1] == block << 12:
        want[-1][1] = (block + 1) << 12
    else:
        want.append([block << 12, (block + 1) << 12])
want[-1][1] = min(want[-1][1], os.fstat(fd).st_size)
began, at, found = time.monotonic(), 0, []
while True:
    try:
        at = os.lseek(fd, at, os.SEEK_DATA)
    except OSError:
        break
    end = os.lseek(fd, at, os.SEEK_HOLE)
    found.append([at, end])
    at = end
if found != want:
    sys.exit("data is at %s, not at %s" % (found, want))
if time.monotonic() - began > 10:
    sys.exit("finding it took %d s" % (time.monotonic() - began))
st = os.fstat(fd)
if st.st_size != TIB + 3 or st.st_blocks != 8 * len(blocks):
    sys.exit("size %d, %d blocks" % (st.st_size, st.st_blocks))
for place in places:
    if os.pread(fd, 4, place) != b"here":
        sys.exit("not there: %d" % place)
# Cut off and made large again: zeros, and no data.
os.ftruncate(fd, 5)
os.ftruncate(fd, TIB)
if os.pread(fd, 4, TIB // 2 + 5) != bytes(4) or os.lseek(fd, 5, os.SEEK_HOLE) != 4096:
    sys.exit("what was cut off is still there")
END
RUN_TIMEOUT=60 run 0 "$PY" seek.py
small_daemon "writing and seeking"
[ "$(stat -c '%s %b' mnt/empty)" = "0 0" ] || fail "the empty file: $(stat -c '%s %b' mnt/empty)"
"$PY" - <<'END' || fail "holes of an empty file"
import errno, os
fd = os.open("mnt/empty", os.O_RDONLY)
for whence in os.SEEK_DATA, os.SEEK_HOLE:
    try:
        raise SystemExit("found %d" % os.lseek(fd, 0, whence))
    except OSError as error:
        assert error.errno == errno.ENXIO
END
unmount mnt
taken=$(($(stat -c %b "$(record_of data/image)") / 2))
[ "$taken" -le 256 ] || fail "the record takes $taken KiB"
# One of the places was read after it had been cut off.
has_facts "0:1 524287-524288:32 1048575:32 134217728:36 268435455-268435456:32" data/image
has_header() {
	local seen
	seen=$(record header "$(record_of "$2")")
	[ "$seen" = "$1" ] || fail "header of $2: $seen"
}
has_header "flags 0 size $tib" data/image
has_header "flags 0 size 0" data/empty

# The next mount begins as small, and a map is made of it.
mount_traced data mnt
[ "$(head -c 4 mnt/image)" = here ] || fail "mounted again"
small_daemon "mounted again"
unmount mnt
# What was there before the mount counts as written; so large a record takes room, its daemon none.
rm -r data
mkdir data
truncate -s 64G data/before
mount_traced data mnt
[ "$(stat -c %b mnt/before)" = $((64 * 2097152)) ] || fail "$(stat -c %b mnt/before) blocks are said to be there"
dd if=/dev/zero of=mnt/before bs=4096 count=1 conv=notrunc status=none || fail "dd"
small_daemon "64 GiB that were there"
unmount mnt
has_facts 0-16777215:1 data/before
