#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --cache-size bounds the folder, whatever is read; what is not kept is fetched.
# Two mounts may share it.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
for name in one two three; do
	make_image www/$name 4194304 0:1024
	a_map www/$name
done
start_server www
used() { du -sB1 cache | cut -f1; }
for name in one two three; do
	mount_image --cache=cache --cache-size=6M "$URL/$name" mnt
	same www/$name mnt/$name
	[ "$(used)" -le $((6 << 20 | 1 << 17)) ] || fail "$name: the cache holds $(used) bytes"
	unmount mnt
	[ "$(used)" -le $((6 << 20 | 1 << 17)) ] || fail "$name: the cache holds $(used) bytes afterwards"
done
mount_image --cache=cache --cache-size=1M "$URL/one" mnt
same www/one mnt/one
[ "$(used)" -le $((1 << 20 | 1 << 17)) ] || fail "the cache holds $(used) bytes"
mkdir second
at_exit "_clear $PWD/second"
run 0 "$BMAPFS" --cache=cache "$URL/one" second
same www/one second/one
run 0 "$BMAPFS" --cache=cache "$URL/two" second
same www/two second/two
umount second
umount second
unmount mnt
# A folder that cannot be made is an error at mount.
echo text >file
refuses_mount 'file' --cache=file/x "$URL/one" mnt
