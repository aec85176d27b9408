#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --fingerprint: case, spaces and 0x do not matter, the long key id will do, a
# wrong one is refused (COMPAT.md C2, B1-18).
. "${0%/*}/common.sh" || exit 99
make_key "Stranger"
stranger=$KEY
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$KEY" -o image.bmap.sig --detach-sign image.bmap
[ "${#KEY}" = 40 ] || skip "fingerprints have ${#KEY} digits"
spaced=$(fold -w 4 <<<"$KEY" | paste -s -d ' ')

for fingerprint in "$KEY" "${KEY,,}" "0x$KEY" "0X$KEY" "0x${KEY,,}" "$spaced" "${spaced,,}" "${KEY: -16}" "0x${KEY: -16}"; do
	rm -f copy
	run 0 "$BMAPTOOL" copy --fingerprint "$fingerprint" image copy
	says "successfully verified bmap file signature of Image Builder (fingerprint $KEY)"
	same image copy
done

echo precious >keep
last=${KEY: -1}
other=${KEY%?}$([ "$last" = 0 ] && echo 1 || echo 0)
for fingerprint in "$stranger" "$other" "${other: -16}"; do
	run 1 "$BMAPTOOL" copy --fingerprint "$fingerprint" image keep
	no_crash
	says "requested fingerprint $fingerprint did not sign the bmap file. Only have these sigs:"
	grep -qxF "   * $KEY" stderr || fail "no line '   * $KEY'"
	says_not "successfully verified"
done
# What is no fingerprint, or so short that anybody can make a key with it.
for fingerprint in "" " " 0x "${KEY: -8}" "${KEY: -1}" "${KEY:0:16}" "$KEY$KEY" "${KEY}00" "not hexadecimal"; do
	"$BMAPTOOL" copy --fingerprint "$fingerprint" image keep >stdout 2>stderr </dev/null
	case $? in 1 | 2) ;; *) fail "--fingerprint '$fingerprint' is accepted" ;; esac
	no_crash
done
[ "$(cat keep)" = precious ] || fail "the destination was touched"
