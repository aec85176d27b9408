#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ranges that go down are in order again after reading: they work from a file and
# from a pipe.  COMPAT B1-28, C6.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:3 200:2
make_map image
"$PY" - <<'END'
import re
text = open("image.bmap").read()
ranges = re.findall(r"[ \t]*<Range .*?</Range>\n", text)
assert len(ranges) == 3
for r in ranges:
    text = text.replace(r, "")
text = text.replace("</BlockMap>", "".join(reversed(ranges)) + "</BlockMap>")
open("down.bmap", "w").write(text)
END
fix_checksum down.bmap
run 0 "$BMAPTOOL" copy --bmap down.bmap image out
same image out
rm out
run_stdin image 0 "$BMAPTOOL" copy --bmap down.bmap - out
same image out
gzip -1k image
rm out
run_stdin image.gz 0 "$BMAPTOOL" copy --bmap down.bmap - out
same image out
