#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A signature that lies beside the map but cannot be read is an error: nobody
# knows whether it would be good.
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
as=()
if [ "$(id -u)" = 0 ]; then
	requires_command setpriv
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chmod 755 .
	chmod 644 image image.bmap
	chown -R 65534:65534 home gnupg
	mkdir -m 777 to
	"${as[@]}" "$BMAPTOOL" --version >/dev/null 2>&1 || skip "nobody cannot run $BMAPTOOL"
else
	mkdir to
fi
# Without a signature all is well.
run 0 "${as[@]}" "$BMAPTOOL" copy image to/out
rm -f to/out
for suffix in asc sig; do
	echo "not to be read" >image.bmap.$suffix
	chmod 0 image.bmap.$suffix
	! "${as[@]}" cat image.bmap.$suffix 2>/dev/null || skip "modes of files are not obeyed here"
	run 1 "${as[@]}" "$BMAPTOOL" copy image to/out
	no_crash
	says "bmaptool: ERROR: "
	says "image.bmap.$suffix"
	[ ! -e to/out ] || fail "copied"
	# Whoever does not want it need not have it.
	run 0 "${as[@]}" "$BMAPTOOL" copy --no-sig-verify image to/out
	rm -f to/out image.bmap.$suffix
done
