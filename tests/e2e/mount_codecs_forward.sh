#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that can only be decoded forwards is one sparse file as well (bytes,
# holes, map), wherever it is read first; a warning says how to compress it.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

a_disk disk 3
a_map disk image.bmap
for form in $(forward_forms); do
	file=image.$(form_suffix "$form")
	compress_form "$form" disk "$file"
	mount_image --bmap image.bmap "$file" mnt
	[ "$(grep -c WARNING stderr)" = 1 ] || fail "$form: not one warning"
	says_re "WARNING: .*$file.*(xz|seekable|-BD|index)"
	for ((at = 3 << 20; (at -= 500000) > 0; )); do
		same_part disk mnt/image "$at" 5000
	done
	same disk mnt/image
	same_extents disk mnt/image
	same_map mnt/image image.bmap
	[ "$(statistic mnt/image decoded_bytes)" -lt $((4 << 20)) ] || fail "$form: decoded more than once"
	unmount mnt
done
