#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unique prefixes of options, --opt=value, exact names before prefixes, an
# ambiguous prefix is a usage error (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create --outp m.bmap image
run 0 "$BMAPTOOL" create --outp=m2.bmap image
same m.bmap m2.bmap
run 0 "$BMAPTOOL" create --no-ch --output m3.bmap image
! grep -q chksum= m3.bmap || fail "--no-ch is not --no-checksum"

copies() {
	rm -f copy
	run 0 "$BMAPTOOL" copy "$@"
	same image copy
}
copies --bmap m.bmap image copy
copies --bmap=m.bmap image copy
copies --nob image copy
copies --no-sig --bmap m.bmap image copy
copies --no-ver --bmap m.bmap image copy
copies --bmap m.bmap --psp nosuch image copy
says "'nosuch' is not a pipe, so psplash progress will not be updated"
run 1 "$BMAPTOOL" copy --fing 0123456789ABCDEF0123456789ABCDEF01234567 --bmap m.bmap image copy
says "no signature found but --fingerprint given"
run 1 "$BMAPTOOL" copy --remov --bmap m.bmap image copy

for ambiguous in --bm --b; do
	run 2 "$BMAPTOOL" copy "$ambiguous" m.bmap image copy
	says_re "ambiguous.*$ambiguous"
	says "--bmap"
	silent_stdout
done
run 2 "$BMAPTOOL" copy --no image copy
says "ambiguous"
run 2 "$BMAPTOOL" copy --bmapx m.bmap image copy
run 2 "$BMAPTOOL" copy --Bmap m.bmap image copy
