#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that is cut anywhere is refused at mount, or its missing bytes are EIO
# later; never a hang, and never bytes that are not the image's.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk 1048576 0:220 250:5
a_map disk disk.bmap
mkdir mnt cut
at_exit "_clear $PWD/mnt"
check() {
	local file=$1 status; shift
	timeout -k 1 20 "$BMAPFS" "$@" "$file" mnt >stdout 2>stderr
	status=$?
	no_crash
	if [ $status = 1 ]; then
		says_re '^bmapfs: ERROR: .*'
		! is_mounted mnt || fail "$file: mounted, and status 1"
		return
	fi
	[ $status = 0 ] || fail "$file: status $status"
	timeout -k 1 20 "$PY" - disk mnt/disk <<-'END' || fail "$file $*: status $?"
	import os, sys
	good = open(sys.argv[1], "rb").read()
	fd = os.open(sys.argv[2], os.O_RDONLY)
	errors = 0
	for at in range(0, len(good), 16384):
	    try:
	        part = os.pread(fd, 16384, at)
	        if part != good[at:at + len(part)]: sys.exit("other bytes at %d" % at)
	        errors += len(part) < len(good[at:at + 16384])
	    except OSError: errors += 1
	if not errors: sys.exit("all of a file that is cut can be read")
	END
	unmount mnt
}
for form in gzip $(seekable_forms) $(forward_forms); do
	file=cut/disk.$(form_suffix "$form")
	compress_form "$form" disk whole
	size=$(stat -c %s whole)
	head -c $((size / 2)) whole >"$file"
	(check "$file" --nobmap) || fail "$form cut to the half, without a map"
	(check "$file" --bmap disk.bmap) || fail "$form cut to the half"
	head -c $((size - 5)) whole >"$file"
	(check "$file" --nobmap) || fail "$form without its last bytes"
done
head -c 500000 disk >cut/disk
check cut/disk --bmap disk.bmap
