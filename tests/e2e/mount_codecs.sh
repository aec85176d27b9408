#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image in each form that can be read anywhere is one sparse file: its bytes,
# its holes, and the map that create makes of it are the image's.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

a_disk disk 3
a_map disk image.bmap
ln disk image.raw
for form in raw $(seekable_forms); do
	file=image.raw seen=mnt/image.raw
	if [ "$form" != raw ]; then
		file=image.$(form_suffix "$form") seen=mnt/image
		compress_form "$form" disk "$file"
	fi
	mount_image --bmap image.bmap "$file" mnt
	says_not WARNING
	# From the back to the front: each read is a jump.
	for ((at = 3 << 20; (at -= 300000) > 0; )); do
		same_part disk "$seen" "$at" 5000
	done
	same disk "$seen"
	same_extents disk "$seen"
	same_map "$seen" image.bmap
	[ "$form" = raw ] || [ "$(statistic "$seen" pieces)" -gt 1 ] || fail "$form: $(statistic "$seen" pieces) pieces"
	unmount mnt
done
