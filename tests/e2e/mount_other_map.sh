#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map of another image is refused at mount, in one sentence; so are maps that
# are no maps.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk 1048576 0:100
make_image other 2097152 0:100
a_map other
xz -0c disk >disk.xz
zstd -q -c disk >disk.zst
for file in disk disk.xz disk.zst; do
	[ -e $file ] || continue
	refuses_mount 'size|other.bmap|belong' --bmap other.bmap $file mnt
	grep -q "$file" stderr || fail "the image is not named"
done
# A map may not claim more than there is either.
head -c 1000000 disk >short
run 0 "$BMAPTOOL" create -o disk.bmap disk
refuses_mount 'size|disk.bmap|belong' --bmap disk.bmap short mnt
echo '<bmap' >bad.bmap
refuses_mount 'bad.bmap' --bmap bad.bmap disk mnt
sed 's/ 0-99 / 0-98 /' disk.bmap >edited.bmap
refuses_mount 'checksum' --bmap edited.bmap disk mnt
sed 's/<ImageSize> [0-9]* /<ImageSize> 9223372036854775807 /' disk.bmap >huge.bmap
fix_checksum huge.bmap
refuses_mount 'huge.bmap' --bmap huge.bmap disk mnt
# The map as the image.
refuses_mount 'bmap' --bmap disk.bmap disk.bmap mnt
