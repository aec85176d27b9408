#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Options that exclude each other: exit 1 and the contract's sentences
# (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
echo precious >keep
excludes() {
	local sentence=$1
	shift
	run 1 "$BMAPTOOL" "$@"
	says "bmaptool: ERROR: $sentence"
	silent_stdout
	no_crash
	[ "$(grep -c . stderr)" = 1 ] || fail "more than one line"
}
excludes "--nobmap and --bmap cannot be used together" copy --nobmap --bmap image.bmap image keep
excludes "--bmap-sig and --no-sig-verify cannot be used together" copy --bmap-sig x --no-sig-verify image keep
excludes "--no-sig-verify and --keyring cannot be used together" copy --no-sig-verify --keyring x image keep
excludes "--no-sig-verify and --fingerprint cannot be used together" copy --no-sig-verify --fingerprint x image keep
excludes "--quiet and --debug cannot be used together" --quiet --debug copy image keep
excludes "--quiet and --debug cannot be used together" -q -d create image
excludes "--quiet and --debug cannot be used together" -qd create image
[ "$(cat keep)" = precious ] || fail "the destination was touched"
