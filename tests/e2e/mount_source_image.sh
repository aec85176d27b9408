#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SOURCE may be the image: its map is found as copy finds it, or given; without
# one --nobmap must be said, and then all is data.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

a_disk disk 1
a_map disk map
gzip -1nc disk >disk.wic.gz
cat >expected <<-END
	disk.wic.gz.bmap
	disk.wic.bmap
	disk.bmap
END
while read -r name; do
	cp map "$name"
	mount_image disk.wic.gz mnt
	same_extents disk mnt/disk.wic
	same map mnt/disk.wic.bmap
	unmount mnt
	rm "$name"
done <expected
# Given, where no rule finds it; a URL is as good.
mkdir www
mv map www/elsewhere
mount_image --bmap www/elsewhere disk.wic.gz mnt
same_extents disk mnt/disk.wic
unmount mnt
start_server www
mount_image --bmap "$URL/elsewhere" disk.wic.gz mnt
same_extents disk mnt/disk.wic
unmount mnt
# None.
refuses_mount 'bmap file not found.*--nobmap' disk.wic.gz mnt
refuses_mount 'missing.bmap' --bmap missing.bmap disk.wic.gz mnt
cp www/elsewhere disk.wic.gz.bmap
mount_image --nobmap disk.wic.gz mnt
same disk mnt/disk.wic
[ "$(extents mnt/disk.wic)" = 0-1048576 ] || fail "without a map: $(extents mnt/disk.wic)"
[ ! -e mnt/disk.wic.bmap ] || fail "a map is shown where none was used"
unmount mnt
refuses_mount '--nobmap and --bmap cannot be used together' --nobmap --bmap www/elsewhere disk.wic.gz mnt
