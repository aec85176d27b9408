#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Options behind and between positionals, `--`, the last of a repeated option
# (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create image -o m.bmap
copies() {
	rm -f copy
	run 0 "$BMAPTOOL" copy "$@"
	same image copy
}
copies image copy --bmap m.bmap
copies image --bmap m.bmap copy
copies --bmap m.bmap -- image copy
copies --no-verify image --bmap=m.bmap copy --no-sig-verify
copies --bmap missing.bmap image copy --bmap m.bmap
copies image copy --nobmap

# Names that begin with a dash.
cp image ./-image
run 0 "$BMAPTOOL" copy --nobmap -- -image --copy
same image ./--copy
run 0 "$BMAPTOOL" create -o ./-m.bmap -- -image
same m.bmap ./-m.bmap
run 0 "$BMAPTOOL" copy --bmap=-m.bmap -- -image --copy
# -q and -d stand before the command.
run 0 "$BMAPTOOL" -q copy --nobmap image copy
[ ! -s stderr ] || fail "-q is not quiet"
run 0 "$BMAPTOOL" --debug copy --nobmap image copy
run 2 "$BMAPTOOL" copy image copy --nobmap -q
