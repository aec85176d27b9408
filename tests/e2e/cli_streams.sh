#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Odd standard streams: closed ones, a reader that has gone, a locale
# (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image

# Closed standard streams: the destination must not get their numbers and the
# messages with them.
"$BMAPTOOL" copy image copy <&- >&- 2>&-
status=$?
[ "$status" = 0 ] || fail "closed streams: status $status"
same image copy
rm copy
"$BMAPTOOL" copy --nobmap image copy 2>&- >stdout || fail "closed stderr"
same image copy
silent_stdout

# A reader of the map that goes away is no crash.
make_image many 8M 0:1
python3 - <<-'PYTHON'
	with open("many", "r+b") as f:
	    for block in range(0, 2048, 2):
	        f.seek(block * 4096)
	        f.write(b"x")
PYTHON
"$BMAPTOOL" create many 2>stderr | head -c 100 >/dev/null
no_crash

# Messages are the same in every locale.
run 0 env LC_ALL=de_DE.UTF-8 "$BMAPTOOL" copy image copy
says "mapped 6 blocks (24.0 KiB or 2.4%)"
