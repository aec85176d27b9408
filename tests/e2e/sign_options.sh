#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --bmap-sig names the signature; options that exclude each other
# (COMPAT.md C1, C3).
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
mkdir elsewhere
sign "$KEY" -o elsewhere/signature --detach-sign image.bmap
echo "not a signature" >image.bmap.asc

# What --bmap-sig names is used, not what lies beside the map.
run 0 "$BMAPTOOL" copy --bmap-sig elsewhere/signature image copy
says "successfully verified bmap file signature of Image Builder (fingerprint $KEY)"
same image copy
run 0 "$BMAPTOOL" copy --bmap-sig=elsewhere/signature --bmap image.bmap --fingerprint "$KEY" image copy
same image copy

echo precious >keep
excludes() {
	local sentence=$1; shift
	run 1 "$BMAPTOOL" copy "$@" image keep
	says "bmaptool: ERROR: $sentence"
	no_crash
}
excludes "--bmap-sig and --no-sig-verify cannot be used together" --bmap-sig elsewhere/signature --no-sig-verify
excludes "--no-sig-verify and --keyring" --no-sig-verify --keyring x
excludes "--no-sig-verify and --fingerprint" --no-sig-verify --fingerprint "$KEY"
[ "$(cat keep)" = precious ] || fail "the destination was touched"
