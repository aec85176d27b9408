#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without gpg and gpgv a signed map is refused; with only one of them it is
# verified with that one (COMPAT.md C2, C3).
. "${0%/*}/common.sh" || exit 99
requires_command gpgv
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$KEY" -o image.bmap.sig --detach-sign image.bmap
gpg --batch --export "$KEY" >keyring.gpg 2>/dev/null
tool=$(command -v "$BMAPTOOL")
gpg=$(command -v gpg) gpgv=$(command -v gpgv)
mkdir bin

run 1 env PATH="$WORK/bin" "$tool" copy image copy
says "Cannot verify GPG signature without GPG"
no_crash
[ ! -e copy ] || fail "a destination was made"

ln -s "$gpg" bin/gpg
run 0 env PATH="$WORK/bin" "$tool" copy image copy
says "Trying to verify signature using gpg"
says "successfully verified bmap file signature"
run 0 env PATH="$WORK/bin" "$tool" copy --keyring "$WORK/keyring.gpg" image copy
says "successfully verified bmap file signature"

rm bin/gpg
ln -s "$gpgv" bin/gpgv
run 0 env PATH="$WORK/bin" "$tool" copy --keyring "$WORK/keyring.gpg" image copy
says "Trying to verify signature using gpgv"
says "successfully verified bmap file signature"
same image copy
