#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --no-sig-verify: a clear-signed map is unwrapped without any key, and without
# gpg; a detached signature is not looked at (COMPAT.md B1-17).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o plain.bmap image
sign "$KEY" -o inline.bmap --clearsign plain.bmap
export GNUPGHOME="$WORK/empty"
mkdir -m 700 empty

run 1 "$BMAPTOOL" copy --bmap inline.bmap image copy
[ ! -e copy ] || fail "a destination was made"
run 0 "$BMAPTOOL" copy --no-sig-verify --bmap inline.bmap image copy
says "discovered inline signature"
says_not "successfully verified"
silent_stdout
same image copy
rm copy

# The checksum of the map is still verified.
sed 's/ 10-14 / 10-15 /' inline.bmap >bad.bmap
run 1 "$BMAPTOOL" copy --no-sig-verify --bmap bad.bmap image copy
says "checksum mismatch for bmap file"
[ ! -e copy ] || fail "a destination was made"

# Detached, broken: not looked at.
cp plain.bmap image.bmap
echo "not a signature" >image.bmap.asc
run 1 "$BMAPTOOL" copy image copy
run 0 "$BMAPTOOL" copy --no-sig-verify image copy
same image copy
rm copy

# No gpg and no gpgv to be found.
mkdir bin
tool=$(command -v "$BMAPTOOL")
run 0 env PATH="$WORK/bin" "$tool" copy --no-sig-verify --bmap inline.bmap image copy
same image copy
