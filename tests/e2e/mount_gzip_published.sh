#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# IMAGE.gzidx beside a gzip image, local or remote, is used when it fits; one that
# is damaged or of another image is passed over with a warning.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 8388608 0:1800
run 0 "$BMAPTOOL" create --range-size 256K -o www/disk.wic.bmap disk.wic
gzip -1nc disk.wic >www/disk.wic.gz
size=$(stat -c %s www/disk.wic.gz)
run 0 "$BMAPTOOL" index --index-step 512K www/disk.wic.gz
mv www/disk.wic.gz.gzidx good
start_server www
uses() {
	mount_image "$1" mnt
	says_not WARNING
	same_part disk.wic mnt/disk.wic 7000000 4096
	[ "$(statistic mnt/disk.wic decoded_bytes)" -le 2000000 ] || fail "$(statistic mnt/disk.wic decoded_bytes) decoded for one place"
	same disk.wic mnt/disk.wic
	unmount mnt
}
ignores() {
	rm -rf home/.cache
	mount_image "$1" mnt
	grep -q 'WARNING: .*gzidx' stderr || fail "$bad: no warning of the index"
	same_part disk.wic mnt/disk.wic 7000000 4096
	same disk.wic mnt/disk.wic
	unmount mnt
}
cp good www/disk.wic.gz.gzidx
uses www/disk.wic.gz
rules ""
uses "$URL/disk.wic.gz"
rm -rf home/.cache
rules "* needquery=key=1"
uses "$URL/disk.wic.gz?key=1"
# Of another image; cut; changed in its head, its points, a window; empty.
make_image other 8388608 0:1700
gzip -1n other
run 0 "$BMAPTOOL" index --nobmap --index-step 512K -o other.gzidx other.gz
rules ""
damage() { cp good bad; printf '\377\377\377\177' | dd of=bad bs=1 seek="$1" conv=notrunc status=none; }
for bad in other.gzidx cut empty 6 14 22 30 31 35 60; do
	case $bad in
	other.gzidx) ;;
	cut) head -c 200000 good >"$bad" ;;
	empty) : >"$bad" ;;
	*) damage "$bad" ;;
	esac
	[ ! -e "$bad" ] || cp "$bad" bad
	cp bad www/disk.wic.gz.gzidx
	ignores www/disk.wic.gz
done
ignores "$URL/disk.wic.gz"
