#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map signed by two people: either fingerprint will do, a third one is
# refused and both are named (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_key "Stranger"
stranger=$KEY
make_key "First"
first=$KEY
make_key "Second"
second=$KEY
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$first" -u "$second" -o image.bmap.sig --detach-sign image.bmap

run 0 "$BMAPTOOL" copy image copy
says "(fingerprint $first)"
says "(fingerprint $second)"
for fingerprint in "$first" "$second"; do
	run 0 "$BMAPTOOL" copy --fingerprint "$fingerprint" image copy
	same image copy
done
echo precious >keep
run 1 "$BMAPTOOL" copy --fingerprint "$stranger" image keep
says "requested fingerprint $stranger did not sign the bmap file. Only have these sigs:"
says "   * $first"
says "   * $second"
no_crash
[ "$(cat keep)" = precious ] || fail "the destination was touched"
