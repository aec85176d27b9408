#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clear-signed map whose lines begin with a dash: they are escaped in the
# signed text and come back as they were, verified or unwrapped (RFC 4880 7.1).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o plain.bmap image
# Comments that end at the start of a line, one that looks like a signature's
# end, one with "From ".
sed -i 's|^<bmap |<!-- dashes\n-->\n<!--\n- one dash\n-=-BEGIN PGP SIGNATURE-=-\nFrom here\n-->\n<bmap |' plain.bmap
check_map seal plain.bmap
check_map verify plain.bmap image
run 0 "$BMAPTOOL" copy --bmap plain.bmap image copy
same image copy

sign "$KEY" -o image.bmap --clearsign plain.bmap
grep -q '^- -->' image.bmap || fail "gpg did not escape the dashes"
rm copy
run 0 "$BMAPTOOL" copy image copy
says "successfully verified bmap file signature"
same image copy
rm copy
run 0 "$BMAPTOOL" copy --no-sig-verify image copy
says_not "successfully verified"
same image copy
