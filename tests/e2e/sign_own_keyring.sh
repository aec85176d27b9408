#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A key that lies only in $GNUPGHOME/pubring.kbx is found: gpg is asked, not
# gpgv with its own trustedkeys.kbx (COMPAT.md B1-16).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$KEY" -o image.bmap.sig --detach-sign image.bmap
gpg --batch --export "$KEY" >key.pub 2>/dev/null

# Another home, which knows the public key and nothing else.
export GNUPGHOME="$WORK/second"
mkdir -m 700 second
gpg --batch --quiet --import key.pub 2>gpg.log || fail "gpg: $(cat gpg.log)"
[ -e second/pubring.kbx ] || skip "this gpg has another kind of keyring"
run 0 "$BMAPTOOL" copy image copy
says "successfully verified bmap file signature of Image Builder (fingerprint $KEY)"
same image copy

# Nothing was added to that home but what gpg itself keeps.
[ ! -e second/trustedkeys.kbx ] || fail "a keyring was made"
[ ! -e second/pubring.gpg ] || fail "a keyring was made"
