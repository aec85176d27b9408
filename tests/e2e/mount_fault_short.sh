#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bodies that end early, again and again, are EIO and never zeros; one that ends
# early once is asked for again.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 4194304 0:1024
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
xz -0 -T2 --block-size=262144 -c disk.wic >www/disk.wic.xz
cp disk.wic www/disk.wic
start_server www
for file in disk.wic disk.wic.xz; do
	for nobmap in "--bmap=www/disk.wic.bmap" "--nobmap"; do
		rules ""
		mount_image --retries 1 $nobmap "$URL/$file" mnt
		rules "/$file cutat=2000000"
		eio mnt/disk.wic 3145728 4096
		same_part disk.wic mnt/disk.wic 1048576 4096
		eio mnt/disk.wic 3145728 4096
		rules "/$file cutat=2000000 times=1"
		same_part disk.wic mnt/disk.wic 3145728 4096
		# Connections that break now and then.
		rules "/$file drop=70000 times=1" "/$file reset=1000 skip=2 times=1"
		same disk.wic mnt/disk.wic
		unmount mnt
	done
done
# More bytes than were asked for, or others, are not taken for an answer.
for how in lie=start lie=total lie=missing; do
	rules ""
	mount_image --retries 1 --nobmap "$URL/disk.wic" mnt
	rules "/disk.wic $how"
	! read_part mnt/disk.wic 3145728 4096 >/dev/null 2>dd.stderr || fail "$how is handed out"
	grep -qE 'Input/output error|Protocol error' dd.stderr || fail "$how: $(cat dd.stderr)"
	rules ""
	same disk.wic mnt/disk.wic
	unmount mnt
done
