#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clear-signed map: found by its first bytes, verified, and only the signed
# text is used (COMPAT.md C2, C3).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder <builder@example.org>"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o plain.bmap image
sign "$KEY" -o image.bmap --clearsign plain.bmap
[ "$(head -c 34 image.bmap)" = "-----BEGIN PGP SIGNED MESSAGE-----" ] || fail "gpg signs in another way"

run 0 "$BMAPTOOL" copy image copy
silent_stdout
says "discovered inline signature"
says "successfully verified bmap file signature of Image Builder <builder@example.org> (fingerprint $KEY)"
same image copy
rm copy
run 0 "$BMAPTOOL" copy --bmap image.bmap --fingerprint "$KEY" image copy
same image copy

# A fingerprint that is none.
run 1 "$BMAPTOOL" copy --bmap image.bmap --fingerprint "0000$KEY" image copy
no_crash

# The text was changed under the signature.
echo precious >keep
sed 's/ 10-14 / 10-15 /' image.bmap >bad.bmap
run 1 "$BMAPTOOL" copy --bmap bad.bmap image keep
says "discovered a BAD GPG signature"
no_crash

# Text before or behind the signed part is not signed: refused or not used.
sed 's/ 10-14 / 11-14 /' plain.bmap >evil.bmap
cat image.bmap evil.bmap >behind.bmap
if "$BMAPTOOL" copy --bmap behind.bmap image copy >stdout 2>stderr </dev/null; then
	same image copy
	says "mapped 6 blocks"
fi
no_crash
cat evil.bmap image.bmap >before.bmap
run 1 "$BMAPTOOL" copy --bmap before.bmap image keep
no_crash
# Cut in the signature, and the signature left out.
head -c "$(($(stat -c %s image.bmap) - 60))" image.bmap >cut.bmap
run 1 "$BMAPTOOL" copy --bmap cut.bmap image keep
no_crash
sed '/BEGIN PGP SIGNATURE/,$d' image.bmap >none.bmap
run 1 "$BMAPTOOL" copy --bmap none.bmap image keep
no_crash
[ "$(cat keep)" = precious ] || fail "the destination was touched"
