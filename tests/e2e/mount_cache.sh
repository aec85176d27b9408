#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --cache: what was fetched of a remote image serves the next mount while the
# server's image is the same; of another one nothing is taken.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image www/disk.wic 4194304 0:256 512:384
make_image www/new.wic 4194304 0:256 512:384
for name in disk new; do
	run 0 "$BMAPTOOL" create --range-size 256K -o www/$name.wic.bmap www/$name.wic
	xz -0 -T2 --block-size=262144 -c www/$name.wic >www/$name.wic.xz
done
start_server www
sent() { awk -v p="/$file" '$1 == "SENT" && $2 == p { n += $3 } END { print n + 0 }' "$LOG"; }
for file in disk.wic disk.wic.xz; do
	# Only a part first; what was fetched is not fetched again, the rest is.
	rules ""
	mount_image --cache=cache --bmap www/disk.wic.bmap "$URL/$file" mnt
	same_part www/disk.wic mnt/disk.wic 2097152 2097152
	unmount mnt
	rules ""
	mount_image --cache=cache --bmap www/disk.wic.bmap "$URL/$file" mnt
	at_mount=$(sent)
	same_part www/disk.wic mnt/disk.wic 2097152 2097152
	[ "$(sent)" = "$at_mount" ] || fail "$file: fetched again: $(sent) bytes, $at_mount at mount"
	same www/disk.wic mnt/disk.wic
	unmount mnt
	# Now all is there, even when the server gives none of it.
	rules ""
	mount_image --retries 0 --cache=cache --bmap www/disk.wic.bmap "$URL/$file" mnt
	rules "/$file status=503"
	same www/disk.wic mnt/disk.wic
	unmount mnt
	# Another image at the same place, of the same length.
	for kind in "" "etag=none"; do
		rules "/$file swap=${file/disk/new} $kind"
		mount_image --cache=cache --bmap www/new.wic.bmap "$URL/$file" mnt
		same www/new.wic mnt/disk.wic
		unmount mnt
		rules ""
		mount_image --cache=cache --bmap www/disk.wic.bmap "$URL/$file" mnt
		same www/disk.wic mnt/disk.wic
		unmount mnt
	done
	# Who says nothing by which images are told apart is asked for all.
	for map in www/disk.wic.bmap www/new.wic.bmap; do
		name=${map%.bmap}
		rules "/$file swap=${file/disk.wic/${name#www/}} etag=none lastmod=none"
		mount_image --cache=cache --bmap $map "$URL/$file" mnt
		same "$name" mnt/disk.wic
		unmount mnt
	done
done
[ "$(stat -c %a cache)" = 700 ] || fail "others may look into the cache"
