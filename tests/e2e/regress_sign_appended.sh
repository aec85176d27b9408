#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clear-signed map with more OpenPGP behind it, even when that is signed as
# well, is refused: one map, one signature.
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
builder=$KEY
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o plain.bmap image
sed 's/ 10-14 / 11-14 /' plain.bmap >evil.bmap
sign "$builder" -o good.cs --clearsign plain.bmap
sign "$builder" -o evil.cs --clearsign evil.bmap
sign "$builder" -o evil.asc --armor --sign evil.bmap
sign "$builder" -o evil.gpg --sign evil.bmap
gpg --batch --quiet -o literal.gpg --store evil.bmap || fail "gpg --store"
gpg --batch --quiet -o literal.asc --armor --store evil.bmap || fail "gpg --store"
sign "$builder" -o detached.asc --armor --detach-sign plain.bmap

echo precious >keep
for second in evil.cs good.cs evil.asc literal.asc detached.asc; do
	cat good.cs "$second" >map
	run 1 "$BMAPTOOL" copy --bmap map image keep
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	says_not "successfully verified"
	[ "$(cat keep)" = precious ] || fail "good.cs and $second: the destination was touched"
	run 1 "$BMAPTOOL" copy --fingerprint "$builder" --bmap map image keep
	says_not "successfully verified"
done
# Packets between the signed text and its signature.
sed '/^-----BEGIN PGP SIGNATURE/,$d' good.cs | cat - literal.asc >map
sed -n '/^-----BEGIN PGP SIGNATURE/,$p' good.cs >>map
run 1 "$BMAPTOOL" copy --bmap map image keep
no_crash
[ "$(cat keep)" = precious ] || fail "the destination was touched"
# Packets without armour are to gpg as any text behind the message is: not used.
for second in evil.gpg literal.gpg; do
	cat good.cs "$second" >map
	rm -f out
	timeout 30 "$BMAPTOOL" copy --bmap map image out >stdout 2>stderr
	case $? in
	0) cmp image out >&2 || fail "$second is the map" ;;
	1) ;;
	*) fail "neither 0 nor 1 with $second" ;;
	esac
	no_crash
done
# Alone it is a good map.
run 0 "$BMAPTOOL" copy --bmap good.cs image out
same image out
