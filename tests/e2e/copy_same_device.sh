#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A device is not copied onto itself either, nor an image onto the loop device
# that stands on it.  COMPAT B1-2.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_loop

loop_device disk 1048576
sum=$(sha256sum <"$LOOP")
ln -s "$LOOP" link
for dest in "$LOOP" link; do
	run 1 "$BMAPTOOL" copy --nobmap "$LOOP" "$dest"
	no_crash
	says "ERROR"
	[ "$(sha256sum <"$LOOP")" = "$sum" ] || fail "changed"
done
