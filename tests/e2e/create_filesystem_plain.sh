#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A filesystem that knows no holes (ramfs): everything is mapped, create goes
# on and no data is lost (COMPAT.md B1-29: no probe file in the folder either).
. "${0%/*}/common.sh" || exit 99
requires_root
mkdir mnt
mount -t ramfs none mnt || skip "cannot mount ramfs"
at_exit "umount $WORK/mnt"
make_image mnt/image 1000000 0:1 10:5 244:1
run 0 "$BMAPTOOL" create -o ours.bmap mnt/image
check_map verify ours.bmap mnt/image
check_map mapped ours.bmap 0-244
says "are mapped, no holes in"
[ "$(ls mnt)" = image ] || fail "something was left beside the image: $(ls mnt)"
