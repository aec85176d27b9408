#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create X -o X is refused and X stays as it was, whatever name it goes by
# (COMPAT.md B1-30).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
cp image before
ln -s image symlink
ln image hardlink
mkdir folder

for out in image ./image symlink hardlink folder/../image "$WORK/image"; do
	run 1 "$BMAPTOOL" create image -o "$out"
	no_crash
	says "bmaptool: ERROR: "
	same before image
	run 1 "$BMAPTOOL" create "$out" -o image
	same before image
done
[ -L symlink ] || fail "the symbolic link was replaced"
# Standard output that is the image.
timeout 20 "$BMAPTOOL" create image 1<>image 2>stderr </dev/null
[ $? = 1 ] || fail "standard output may be the image"
same before image
