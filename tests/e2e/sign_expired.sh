#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A key that has expired, a signature that has expired, a key that was
# revoked: each is refused and named (COMPAT.md B1-19).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
echo precious >keep

refused() {
	run 1 "$BMAPTOOL" copy image keep
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	says_not "successfully verified"
	says_re "$1"
	[ "$(cat keep)" = precious ] || fail "the destination was touched"
}

make_key "Lasting" --faked-system-time 20200101T000000
lasting=$KEY
gpg --batch --quiet --passphrase '' --faked-system-time 20200101T000000 \
	--quick-gen-key "Short" ed25519 sign 2020-02-01 2>gpg.log || skip "this gpg makes no key of the past: $(cat gpg.log)"
sign "=Short" --faked-system-time 20200102T000000 -o image.bmap.sig --detach-sign image.bmap
refused "[Ee]xpired"
says_re "[Kk]ey"

sign "$lasting" --faked-system-time 20200102T000000 --default-sig-expire 1d -o image.bmap.sig --detach-sign image.bmap
refused "[Ee]xpired"

sign "$lasting" -o image.bmap.sig --detach-sign image.bmap
run 0 "$BMAPTOOL" copy image copy
says "successfully verified"
sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$lasting.rev" >revocation
gpg --batch --quiet --import revocation 2>gpg.log || fail "gpg: $(cat gpg.log)"
refused "[Rr]evoked"

# The fingerprint asked for does not make them better.
run 1 "$BMAPTOOL" copy --fingerprint "$lasting" image keep
no_crash
says_re "[Rr]evoked"
[ "$(cat keep)" = precious ] || fail "the destination was touched"
