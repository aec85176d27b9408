#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The sparse map of a GNU sparse 1.0 member whose pairs straddle records of 512
# bytes; a member that states another size but has no sparse map is an error.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

# 200 extents with offsets of 4 to 8 digits.
"$PY" - <<'END'
import random
random.seed(3)
with open("disk.wic", "wb") as f:
    f.truncate(50000000)
    for i in range(1, 201):
        f.seek(i * 61 * 4096 - 4096 * (i % 7))
        f.write(random.randbytes(4096))
END
sync disk.wic
make_map disk.wic map
tar --format=posix --sparse-version=1.0 -Scf image.tar disk.wic
[ "$(stat -c %s image.tar)" -lt 2000000 ] || skip "the filesystem makes no holes"
gzip -1k image.tar
for file in image.tar image.tar.gz; do
	for option in --nobmap --bmap=map; do
		rm -f out
		run 0 "$BMAPTOOL" copy "$option" "$file" out
		cmp disk.wic out >&2 || fail "$file $option"
		[ "$option" = --nobmap ] || continue
		rm -f out
		# shellcheck disable=SC2002 # a pipe is meant
		cat "$file" | timeout 30 "$BMAPTOOL" copy --nobmap - out >stdout 2>stderr
		[ "${PIPESTATUS[1]}" = 0 ] || fail "$file through a pipe"
		cmp disk.wic out >&2 || fail "$file through a pipe"
	done
done

# 10000 bytes that say they are fewer or more.
"$PY" - <<'END'
import io, random, tarfile
data = random.randbytes(10000)
open("small.wic", "wb").write(data)
for size in 4096, 20000:
    for key in "realsize", "size":
        with tarfile.open("%s-%d.tar" % (key, size), "w", format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo("small.wic")
            info.size = len(data)
            info.pax_headers = {"GNU.sparse." + key: str(size)}
            tar.addfile(info, io.BytesIO(data))
END
for size in 4096 20000; do
	for key in realsize size; do
		gzip -1k "$key-$size.tar"
		for file in "$key-$size.tar" "$key-$size.tar.gz"; do
			run 1 "$BMAPTOOL" copy --nobmap "$file" out
			no_crash
			says "bmaptool: ERROR: "
			says_not "copying time"
			run_stdin "$file" 1 "$BMAPTOOL" copy --nobmap - out
			no_crash
			says_not "copying time"
			rm -f out
		done
	done
done
