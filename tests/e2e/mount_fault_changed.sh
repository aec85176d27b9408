#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The image is replaced on the server during the mount: what was not read yet is
# EIO from then on, never a mix, with or without a map, whatever the server makes
# of If-Range.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image www/disk.wic 4194304 0:1024
make_image www/new.wic 4194304 0:1024
run 0 "$BMAPTOOL" create --range-size 256K -o map www/disk.wic
for name in disk new; do xz -0 -T2 --block-size=262144 -c www/$name.wic >www/$name.wic.xz; done
start_server www
for file in disk.wic disk.wic.xz; do
	for kind in "" noifrange noranges "noifrange etag=none"; do
		for map in --bmap=map --nobmap; do
			rules ""
			mount_foreground --retries 1 $map "$URL/$file" mnt
			same_part www/disk.wic mnt/disk.wic 0 4096
			rules "/$file swap=${file/disk/new} $kind"
			eio mnt/disk.wic 2097152 4096
			eio mnt/disk.wic 3145728 4096
			same_part www/disk.wic mnt/disk.wic 0 4096
			unmount mnt
			grep -F "$file" mount.log | grep -q 'ERROR.*chang' || fail "$file, $kind: the log: $(cat mount.log)"
		done
	done
done
# A later mount takes the new one.
rules "/disk.wic swap=new.wic"
mount_image --nobmap "$URL/disk.wic" mnt
same www/new.wic mnt/disk.wic
unmount mnt
