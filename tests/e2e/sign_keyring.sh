#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --keyring FILE: only that keyring counts (COMPAT.md C3).
. "${0%/*}/common.sh" || exit 99
make_key "Stranger"
stranger=$KEY
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
sign "$KEY" -o image.bmap.sig --detach-sign image.bmap
gpg --batch --export "$KEY" >builder.gpg 2>/dev/null
gpg --batch --export "$stranger" >stranger.gpg 2>/dev/null
gpg --batch --export >both.gpg 2>/dev/null
echo precious >keep

for ring in "$WORK/builder.gpg" ./builder.gpg "$WORK/both.gpg"; do
	rm -f copy
	run 0 "$BMAPTOOL" copy --keyring "$ring" image copy
	says "successfully verified bmap file signature of Image Builder (fingerprint $KEY)"
	same image copy
done
run 0 "$BMAPTOOL" copy --keyring "$WORK/both.gpg" --fingerprint "$KEY" image copy
# With an empty home as well.
mkdir -m 700 empty
run 0 env GNUPGHOME="$WORK/empty" "$BMAPTOOL" copy --keyring "$WORK/builder.gpg" image copy
says "successfully verified bmap file signature"

# The key is in the user's keyring, but not in this one.
run 1 "$BMAPTOOL" copy --keyring "$WORK/stranger.gpg" image keep
no_crash
says "bmaptool: ERROR: "
says_not "successfully verified"
run 1 "$BMAPTOOL" copy --keyring "$WORK/missing.gpg" image keep
no_crash
says "bmaptool: ERROR: "
echo "no keyring" >bad.gpg
run 1 "$BMAPTOOL" copy --keyring "$WORK/bad.gpg" image keep
no_crash

# A clear-signed map with a keyring.
sign "$KEY" -o inline.bmap --clearsign image.bmap
run 0 "$BMAPTOOL" copy --keyring "$WORK/builder.gpg" --bmap inline.bmap image copy
says "successfully verified bmap file signature"
run 1 "$BMAPTOOL" copy --keyring "$WORK/stranger.gpg" --bmap inline.bmap image keep
[ "$(cat keep)" = precious ] || fail "the destination was touched"
