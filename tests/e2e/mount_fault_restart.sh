#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The server is killed and started again on its port: EIO between, then all is as
# it was, on connections that were kept too.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image www/disk.wic 4194304 0:1024
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap www/disk.wic
start_nginx www
mount_image --retries 1 --timeout 2 "$URL/disk.wic.bmap" mnt
same_part www/disk.wic mnt/disk.wic 0 4096
kill "$(cat nginx/pid)"
gone() { ! curl -s -o out "$URL/"; }
wait_for 10 gone || fail "nginx does not end"
eio mnt/disk.wic 2097152 4096
nginx -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf" 2>nginx/stderr &
at_exit "kill $!; wait $!"
wait_for 10 curl -s -o /dev/null "$URL/" || fail "nginx does not start again"
same_part www/disk.wic mnt/disk.wic 2097152 4096
same www/disk.wic mnt/disk.wic
unmount mnt
