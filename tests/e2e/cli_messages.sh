#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The messages of a copy, in order, word for word, and what LAVA waits for
# (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image.wic 1000001 0:1 10:5
run 0 "$BMAPTOOL" create -o image.wic.bmap image.wic
[ ! -s stderr ] || fail "create speaks"
mkdir folder

run 0 "$BMAPTOOL" copy image.wic folder/copy
silent_stdout
sed -E 's/copying time: .*/TIME/' stderr >said
cat >want <<'TEXT'
bmaptool: info: discovered bmap file 'image.wic.bmap'
bmaptool: info: block map format version 2.0
bmaptool: info: 245 blocks of size 4096 (976.6 KiB), mapped 6 blocks (24.0 KiB or 2.4%)
bmaptool: info: copying image 'image.wic' to file 'copy' using bmap file 'image.wic.bmap'
bmaptool: info: synchronizing 'folder/copy'
bmaptool: info: TIME
TEXT
diff want said >&2 || fail "other messages"
# LAVA's documented prompt and the one of older jobs.
lava='bmaptool: info: copying time: [0-9hms\.\ ]+, copying speed [0-9\.]+ [MKiBbytes]+\/sec'
older='copying time: [0-9ms\.\ ]+, copying speed [0-9\.]+ MiB\/sec'
grep -qP "$lava" stderr || fail "LAVA would wait for ever: $(tail -1 stderr)"

# Fast, and enough of it for MiB.
make_image image.wic 16M 0:4096
rm image.wic.bmap
run 0 "$BMAPTOOL" copy --nobmap image.wic folder/copy
says "bmaptool: info: no bmap given, copy entire image to 'folder/copy'"
says_not "discovered"
grep -qP "$lava" stderr || fail "LAVA would wait for ever: $(tail -1 stderr)"
grep -qP "$older" stderr || fail "older jobs would wait for ever: $(tail -1 stderr)"
run 0 "$BMAPTOOL" copy --nobmap image.wic /dev/null
grep -qP "$lava" stderr || fail "LAVA would wait for ever: $(tail -1 stderr)"
says_not GiB

# A device.
run 0 "$BMAPTOOL" create -o image.wic.bmap image.wic
[ "$(id -u)" = 0 ] && [ -e /dev/loop-control ] || exit 0
loop_device disk 16M
run 0 "$BMAPTOOL" copy image.wic "$LOOP"
says "copying image 'image.wic' to block device '$LOOP' using bmap file 'image.wic.bmap'"
says "synchronizing '$LOOP'"
