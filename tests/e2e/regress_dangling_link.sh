#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# When a copy fails early, what it made is removed again, but not the link that
# the user gave as the destination.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1000000 0:1 10:5
make_map image map
gzip -1nk image
head -c 15 image.gz >bad.gz
printf 'x' | dd of=image.gz bs=1 seek=100 conv=notrunc status=none
head -c 3000 image >short
sed 's/[0-9a-f]\{64\}/bad/' map >bad.bmap
mkdir folder
check() {
	ln -sf folder/made link
	rm -f folder/made
	run 1 "$@" link
	no_crash
	says "bmaptool: ERROR: "
	[ -L link ] || fail "the link is gone: $*"
	[ "$(readlink link)" = folder/made ] || fail "the link leads elsewhere: $*"
}
check "$BMAPTOOL" copy --nobmap bad.gz
check "$BMAPTOOL" copy --nobmap image.gz
check "$BMAPTOOL" copy --bmap map short
check "$BMAPTOOL" copy --bmap bad.bmap image
check "$BMAPTOOL" copy --nobmap missing
run_stdin bad.gz 1 "$BMAPTOOL" copy --nobmap - link
[ -L link ] || fail "the link is gone"
# A plain new file is removed when nothing was written to it.
run 1 "$BMAPTOOL" copy --nobmap bad.gz new
[ ! -e new ] || fail "an empty file was left"
