#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SOURCE may be the map: the image lies beside it, raw or with any suffix that is
# decoded; so it is with a URL, whose query is kept.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
a_disk disk 1
a_map disk www/disk.wic.bmap
start_server www
rules "* needquery=sig=a.b/c&x=1"
shows() {
	mount_image "$1" mnt
	same disk mnt/disk.wic
	same www/disk.wic.bmap mnt/disk.wic.bmap
	[ "$(statistic mnt/disk.wic location)" = "$2" ] || fail "location: $(statistic mnt/disk.wic location), not $2"
	unmount mnt
}
for how in raw $(codecs); do
	file=disk.wic
	if [ "$how" = raw ]; then
		cp disk www/disk.wic
	else
		file=disk.wic.$(suffix_of "$how")
		compress "$how" disk "www/$file"
	fi
	shows www/disk.wic.bmap "$PWD/www/$file"
	shows "$URL/disk.wic.bmap?sig=a.b/c&x=1" "$URL/$file?sig=a.b/c&x=1"
	rm "www/$file"
done
# A name without a folder.
cd www || exit 99
cp ../disk disk.wic
mount_image disk.wic.bmap "$WORK/mnt"
same disk.wic ../mnt/disk.wic
unmount ../mnt
rm stdout stderr disk.wic
cd ..
# The raw image wins over a compressed one.
cp disk www/disk.wic
gzip -1nc disk >www/disk.wic.gz
shows www/disk.wic.bmap "$PWD/www/disk.wic"
rm www/disk.wic www/disk.wic.gz
refuses_mount 'disk.wic' www/disk.wic.bmap mnt
rules ""
refuses_mount 'disk.wic' "$URL/disk.wic.bmap" mnt
