#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create leaves the image as it is: bytes, size, holes and time.
. "${0%/*}/common.sh" || exit 99
make_image image 1000001 0:1 10:5 244:1
touch -d 2020-02-02T02:02:02 image
sync image
chmod 444 image
cp --sparse=always image before
stat -c '%s %b %Y %i %a' image >was
run 0 "$BMAPTOOL" create -o image.bmap image
stat -c '%s %b %Y %i %a' image >is
same was is
same before image
