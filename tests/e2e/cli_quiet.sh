#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -q: nothing on success; warnings and errors stay (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
for option in -q --quiet --qui; do
	run 0 "$BMAPTOOL" "$option" create -o image.bmap image
	[ ! -s stderr ] || fail "create $option speaks"
	silent_stdout
	run 0 "$BMAPTOOL" "$option" copy image copy
	[ ! -s stderr ] || fail "copy $option speaks"
	silent_stdout
	same image copy
done
run 0 "$BMAPTOOL" -q copy --psplash-pipe nosuch image copy
says "bmaptool: WARNING: 'nosuch' is not a pipe"
[ "$(wc -l <stderr)" = 1 ] || fail "more than the warning"
run 1 "$BMAPTOOL" -q copy missing copy
says "bmaptool: ERROR: "
run 0 "$BMAPTOOL" -q create image
check_map verify stdout image
