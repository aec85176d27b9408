#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bmaptool index: writes IMAGE.gzidx or -o FILE, in one step; what needs none or
# is damaged is refused and leaves no file.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 4194304 0:300 900:124
a_map disk.wic
# What lies in the holes of the map is nobody's concern.
dd if=/dev/urandom of=disk.wic bs=4096 seek=300 count=600 conv=notrunc status=none
gzip -1nk disk.wic
run 0 "$BMAPTOOL" index --index-step 256K disk.wic.gz
no_crash
[ "$(head -c 5 disk.wic.gz.gzidx)" = GZIDX ] || fail "not a GZIDX file"
"$PY" - disk.wic.gz.gzidx "$(stat -c %s disk.wic.gz)" <<'END' || fail "the index"
import struct, sys
data = open(sys.argv[1], "rb").read()
version, flags, encoded, decoded, spacing, window, n = struct.unpack_from("<BBQQIII", data, 5)
assert (version, flags, encoded, decoded, window) == (1, 0, int(sys.argv[2]), 4194304, 32768), (version, flags, encoded, decoded, window)
points = [struct.unpack_from("<QQBB", data, 35 + 18 * i) for i in range(n)]
assert n >= 4 and points == sorted(points), points
assert all(p[0] <= encoded and p[1] <= decoded and p[2] < 8 for p in points), points
assert len(data) == 35 + 18 * n + window * sum(p[3] for p in points), len(data)
END
# Where indexed_gzip is, it reads anywhere with it.
"$PY" -c 'import indexed_gzip' 2>/dev/null && "$PY" - <<'END'
import indexed_gzip
f = indexed_gzip.IndexedGzipFile("disk.wic.gz", index_file="disk.wic.gz.gzidx")
f.seek(900 * 4096)
assert f.read(5000) == open("disk.wic", "rb").read()[900 * 4096:][:5000]
END
run 0 "$BMAPTOOL" index --nobmap --index-step 256K -o all.gzidx disk.wic.gz
[ "$(stat -c %s all.gzidx)" -gt "$(stat -c %s disk.wic.gz.gzidx)" ] || fail "points in holes, with and without --nobmap"
cp disk.wic.gz disk.wic.bmap www
start_server www
run 0 "$BMAPTOOL" index --index-step 256K -o remote.gzidx "$URL/disk.wic.gz"
same disk.wic.gz.gzidx remote.gzidx
refused() {
	run 1 "$BMAPTOOL" index --nobmap -o new "$@"
	no_crash
	says "bmaptool: ERROR: "
	[ "$(grep -c ERROR stderr)" = 1 ] || fail "not one sentence"
	[ ! -e new ] || fail "a file was made of $*"
	[ -z "$(find . -maxdepth 1 -name 'new*')" ] || fail "something is left"
}
xz -0kc disk.wic >disk.xz
refused disk.xz
refused disk.wic
refused missing.gz
head -c 200000 disk.wic.gz >cut.gz
refused cut.gz
echo precious >new.keep
run 1 "$BMAPTOOL" index --nobmap -o /nonexistent/x disk.wic.gz
