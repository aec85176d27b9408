#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many scattered ranges, on every alignment to the pieces we work in, come out
# where they belong.  COMPAT B2 Etcher (etcher#2754: shifted data), mtda (chunk
# borders), caligula (short writes).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

"$PY" - <<'END'
import random
random.seed(11)
with open("image", "wb") as f:
    f.truncate(12345 * 1000)
    at = 0
    while True:
        at += random.choice([1, 1, 2, 3, 7, 64, 255, 256, 257])
        n = random.choice([1, 1, 2, 5, 16, 255, 256, 257])
        if (at + n) * 4096 > 12345 * 1000:
            break
        f.seek(at * 4096)
        f.write(random.randbytes(n * 4096))
        at += n
END
sync image
make_map image
run 0 "$BMAPTOOL" copy image ours
same image ours
if [ -x "$PYTHON_BMAPTOOL" ]; then
	"$PYTHON_BMAPTOOL" -q copy image python 2>oracle.stderr || fail "oracle"
	same_extents python ours
fi
for how in gzip xz-blocks; do
	compress "$how" image "image.$(suffix_of $how)"
	rm -f ours
	run 0 "$BMAPTOOL" copy "image.$(suffix_of $how)" ours
	same image ours
done
