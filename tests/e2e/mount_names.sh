#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A folder shows the image under its name without the suffix of a compression,
# and the map under that name with .bmap, and nothing else.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk 300000 0:1 10:5
a_map disk some.map
# source, name shown
while read -r source name; do
	case $source in
	*gz) gzip -1nc disk >"$source" ;;
	*bz2) bzip2 -1c disk >"$source" ;;
	*xz) xz -0c disk >"$source" ;;
	*zst) zstd -q -1 -c disk >"$source" ;;
	*) cp disk "$source" ;;
	esac
	mount_image --bmap some.map "$source" mnt
	[ "$(ls -A mnt)" = "$(printf '%s\n%s' "$name" "$name.bmap")" ] || fail "$source: $(ls mnt)"
	same disk "mnt/$name"
	same some.map "mnt/$name.bmap"
	! cat mnt/other 2>/dev/null || fail "what is not there can be read"
	unmount mnt
done <<-'END'
	core-image.wic.gz core-image.wic
	core.image.v1.2.wic.xz core.image.v1.2.wic
	core-image.wic core-image.wic
	raw.zst raw
	image image
END
# An archive shows what is in it.
cp disk inside.wic
tar -cf archive.tar inside.wic
mount_image --bmap some.map archive.tar mnt
same disk mnt/inside.wic
unmount mnt
