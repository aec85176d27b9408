#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A bad signature and an unknown key: both "BAD", told apart on a second line,
# destination untouched (COMPAT.md C2, B1-15).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$KEY" -o image.bmap.sig --detach-sign image.bmap
echo precious >keep

refused() {
	run 1 "$BMAPTOOL" copy "$@" image keep
	no_crash
	silent_stdout
	says_not "successfully verified"
	says_re "^bmaptool: ERROR: .*discovered a BAD GPG signature"
	[ "$(cat keep)" = precious ] || fail "the destination was touched"
	sed -n '/discovered a BAD/,$p' stderr | grep -v '^$' >detail
	[ "$(wc -l <detail)" -ge 2 ] || fail "no detail on a second line"
}

# Bad: another map under the same signature.
run 0 "$BMAPTOOL" create --no-checksum -o other.bmap image
cp image.bmap.sig other.bmap.sig
refused --bmap other.bmap
mv detail bad
grep -qi "unknown\|no public key\|not found" bad && fail "a bad signature reads like an unknown key: $(cat bad)"
# The same with --bmap-sig.
refused --bmap other.bmap --bmap-sig image.bmap.sig

# Unknown: a home without the key.
mkdir -m 700 empty
GNUPGHOME="$WORK/empty" refused
grep -qi "unknown\|no public key\|not found\|not in" detail || fail "an unknown key is not named so: $(cat detail)"
# The key is named, so that the user can fetch it.
grep -qi "${KEY: -16}" detail || fail "the key is not named: $(cat detail)"

# Not a signature at all, and an empty one: errors of their own.
for text in "not a signature" "-----BEGIN PGP SIGNATURE-----" ""; do
	printf '%s' "$text" >other.bmap.sig
	run 1 "$BMAPTOOL" copy --bmap other.bmap image keep
	no_crash
	says "bmaptool: ERROR: "
	says_not "successfully verified"
done
# Somebody's public key is not a signature either.
gpg --batch --export "$KEY" >other.bmap.sig 2>/dev/null
run 1 "$BMAPTOOL" copy --bmap other.bmap image keep
no_crash
# Neither is a signed message about something else.
echo hello >message
sign "$KEY" -o other.bmap.sig --clearsign message
run 1 "$BMAPTOOL" copy --bmap other.bmap image keep
no_crash
sign "$KEY" -o other.bmap.sig --sign message
run 1 "$BMAPTOOL" copy --bmap other.bmap image keep
no_crash
[ "$(cat keep)" = precious ] || fail "the destination was touched"
