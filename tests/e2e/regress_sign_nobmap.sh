#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --nobmap verifies no signature, so an option that asks for one is an error
# beside it.
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$KEY" -o image.bmap.sig --detach-sign image.bmap
gpg --batch --quiet --export "$KEY" >keys.gpg

echo precious >keep
refused() {
	run 1 "$BMAPTOOL" copy --nobmap "$@" image keep
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	[ "$(cat keep)" = precious ] || fail "$*: the destination was touched"
}
refused --bmap-sig image.bmap.sig
refused --keyring keys.gpg
says "--keyring"
refused --fingerprint "$KEY"
says "--fingerprint"
refused --keyring keys.gpg --fingerprint "$KEY"
# With the map they are what they were.
run 0 "$BMAPTOOL" copy --bmap-sig image.bmap.sig --keyring keys.gpg --fingerprint "$KEY" image out
same image out
