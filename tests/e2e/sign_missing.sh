#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No signature: fine, unless --fingerprint or --keyring asks for one
# (COMPAT.md C2, C3).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
echo precious >keep

run 0 "$BMAPTOOL" copy image copy
says_not "signature"
same image copy

run 1 "$BMAPTOOL" copy --fingerprint 0123456789ABCDEF0123456789ABCDEF01234567 image keep
says "bmaptool: ERROR: no signature found but --fingerprint given"
no_crash
: >keyring.gpg
run 1 "$BMAPTOOL" copy --keyring "$WORK/keyring.gpg" image keep
says "bmaptool: ERROR: no signature found but --keyring given"
no_crash

run 1 "$BMAPTOOL" copy --bmap-sig missing.sig image keep
says "cannot open bmap signature file 'missing.sig':"
no_crash
rm image.bmap
echo x >some.sig
run 1 "$BMAPTOOL" copy --bmap-sig some.sig image keep
says "the bmap signature file was specified, but bmap file was not found"
no_crash
[ "$(cat keep)" = precious ] || fail "the destination was touched"
