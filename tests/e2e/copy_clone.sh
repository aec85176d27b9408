#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A raw image and a file on one filesystem that can share blocks: the copy shares them, is right to
# the byte, with the holes of the map, and a wrong checksum is still found.
. "${0%/*}/common.sh" || exit 99
requires_loop
requires_command mkfs.btrfs filefrag

truncate -s 256M disk
mkfs.btrfs -q disk >mkfs.log 2>&1 || fail "mkfs.btrfs: $(cat mkfs.log)"
mkdir mnt
mount -o loop disk mnt || fail "mount"
at_exit "umount $WORK/mnt"
make_image mnt/image 8000001 0:300 700:1 1000:500 1900:53
run 0 "$BMAPTOOL" create -o image.bmap mnt/image

run 0 "$BMAPTOOL" copy --bmap image.bmap mnt/image mnt/copy
same mnt/image mnt/copy
sync mnt/copy
filefrag -v mnt/copy >extents
grep -q shared extents || fail "nothing is shared: $(cat extents)"
[ "$(stat -c %s mnt/copy)" = 8000001 ] || fail "another size"

# Without a map, too.
run 0 "$BMAPTOOL" copy --nobmap mnt/image mnt/whole
same mnt/image mnt/whole

# The map's holes are holes, also where the image holds data.
cp mnt/image mnt/other
dd if=/dev/urandom of=mnt/other bs=4096 seek=500 count=10 conv=notrunc status=none
run 0 "$BMAPTOOL" copy --bmap image.bmap mnt/other mnt/copy
same mnt/image mnt/copy

# Sharing is no way around the checksums.
printf x | dd of=mnt/other bs=1 seek=4096 conv=notrunc status=none
run 1 "$BMAPTOOL" copy --bmap image.bmap mnt/other mnt/copy
says "checksum mismatch for blocks range 0-299"
no_crash

# The image stays its own when the copy is changed.
run 0 "$BMAPTOOL" copy --bmap image.bmap mnt/image mnt/copy
cp mnt/image before
printf x | dd of=mnt/copy bs=1 seek=0 conv=notrunc status=none
same before mnt/image
