#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A server without ranges: the image is fetched once, front to back, as far as it
# is read, and read anywhere.  COMPAT B2 httpdirfs.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 4194304 0:1024
a_map disk.wic www/disk.wic.bmap
xz -0 -T2 --block-size=262144 -c disk.wic >www/disk.wic.xz
cp disk.wic www/disk.wic
start_server www
for kind in noranges "noranges nolength" "noranges chunked"; do
	for file in disk.wic disk.wic.xz; do
		rules "/$file $kind"
		mount_image "$URL/$file" mnt
		says_re "WARNING: .*$file"
		same_part disk.wic mnt/disk.wic 3145728 4096
		same_part disk.wic mnt/disk.wic 5000 4096
		same disk.wic mnt/disk.wic
		same_map mnt/disk.wic www/disk.wic.bmap
		# One of them may have been for the first bytes.
		[ "$(n_requests "/$file" GET)" -le 2 ] || failed "$file, $kind: $(n_requests "/$file" GET) requests"
		unmount mnt
	done
done
# HTTP/1.0 of one connection at a time.
start_server --single --http10 www
rules "* noranges"
mount_image "$URL/disk.wic.bmap" mnt
same disk.wic mnt/disk.wic
unmount mnt
