#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Eight readers at once, here and there and front to back, through a cache that is
# too small: all get the image's bytes, and a piece that all want is decoded once.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 25165824 0:2048 3072:2432
run 0 "$BMAPTOOL" create --range-size 512K -o www/disk.wic.bmap disk.wic
xz -0 -T2 --block-size=524288 -c disk.wic >www/disk.wic.xz
gzip -1nc disk.wic >www/disk.wic.gz
start_server www
cat >reader.py <<'END'
import os, random, sys
random.seed(int(sys.argv[1]))
good, fd = os.open("disk.wic", os.O_RDONLY), os.open("mnt/disk.wic", os.O_RDONLY)
size = os.fstat(good).st_size
for _ in range(80):
    at, n = random.randrange(size), random.choice((1, 4096, 70000, 1 << 20))
    if os.pread(fd, n, at) != os.pread(good, n, at):
        sys.exit("other bytes at %d, %d" % (at, n))
END
for source in "$PWD/www/disk.wic.xz" "$URL/disk.wic.xz" "$URL/disk.wic.gz"; do
	mount_image --bmap www/disk.wic.bmap --memory 8M "$source" mnt
	jobs=()
	for i in 1 2 3 4 5 6; do
		"$PY" reader.py $i & jobs+=($!)
	done
	for i in 7 8; do
		cmp disk.wic mnt/disk.wic >&2 & jobs+=($!)
	done
	for job in "${jobs[@]}"; do wait "$job" || fail "a reader of $source"; done
	unmount mnt
done
# All want the same piece at the same moment, the last that is mapped.
mount_image --bmap www/disk.wic.bmap --threads 1 "$PWD/www/disk.wic.xz" mnt
jobs=()
for i in 1 2 3 4 5 6 7 8; do
	read_part mnt/disk.wic $((22020096 + i * 40960)) 4096 >/dev/null & jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || fail "a reader"; done
[ "$(statistic mnt/disk.wic decoded_bytes)" = 524288 ] || fail "decoded $(statistic mnt/disk.wic decoded_bytes) bytes for one piece"
