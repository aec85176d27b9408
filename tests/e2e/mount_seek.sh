#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SEEK_DATA and SEEK_HOLE as on a local sparse file: in whole blocks, ENXIO in
# the hole at the end and behind it, for every image of holes there is.
# COMPAT B2 "FUSE servers", D2.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

ask() {
	"$PY" - "$1" "$2" <<-'END' || fail "$1"
	import errno, os, sys
	fd = os.open(sys.argv[1], os.O_RDONLY)
	size = os.fstat(fd).st_size
	ranges = [tuple(int(x) for x in r.split("-")) for r in sys.argv[2].split()]  # in bytes
	data = lambda at: next((max(at, a) for a, b in ranges if at < b), None) if at < size else None
	def hole(at):
	    if at >= size: return None
	    for a, b in ranges:
	        if a <= at < b: at = b
	    return min(at, size)
	spots = {0, 1, size - 1, size, size + 1, 1 << 50}
	for a, b in ranges: spots |= {a - 1, a, a + 1, b - 1, b, b + 1, (a + b) // 2}
	for at in sorted(s for s in spots if s >= 0):
	    for what, want in ((os.SEEK_DATA, data(at)), (os.SEEK_HOLE, hole(at))):
	        try: got = os.lseek(fd, at, what)
	        except OSError as e: got = None if e.errno == errno.ENXIO else e
	        if got != want: sys.exit("whence %d at %d: %s, not %s" % (what, at, got, want))
	END
}
# size, blocks, and the ranges in bytes that are data
while read -r size blocks ranges; do
	# shellcheck disable=SC2086 # a list of words
	make_image disk.img "$size" ${blocks//,/ }
	a_map disk.img
	gzip -1cn disk.img >disk.img.gz
	for source in disk.img disk.img.gz; do
		mount_image "$source" mnt
		ask mnt/disk.img "${ranges//,/ }"
		same disk.img mnt/disk.img
		unmount mnt
	done
done <<-'END'
	1048576 10:5,100:1 40960-61440,409600-413696
	1000000 0:2,244:1 0-8192,999424-1000000
	1000000 0:2,200:3 0-8192,819200-831488
	1048576 0:256 0-1048576
	1048576
	5 0:1 0-5
END
