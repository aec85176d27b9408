#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bytes that are damaged inside a compressed image: the mount fails or the read
# does, before a wrong byte with checksums in the map, at the end without.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk 1048576 0:256
a_map disk disk.bmap
run 0 "$BMAPTOOL" create --no-checksum -o bare.bmap disk
for form in xz-blocks xz bgzf gzip $(has_codec zstd && echo zstd-sized zstd) $(has_codec bzip2 && echo bzip2) $(has_codec lz4 && echo lz4-blocks); do
	file=damaged/disk.$(form_suffix "$form")
	mkdir -p damaged
	case $form in
	zstd) zstd -q -1 --check -c disk >"$file" ;; # the tool's default, from a file
	*) compress_form "$form" disk "$file" ;;
	esac
	# 64 bytes in the middle, which is noise.
	head -c 64 /dev/zero | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc status=none
	for map in disk.bmap bare.bmap; do
		mkdir -p mnt
		at_exit "_clear $PWD/mnt"
		timeout -k 1 20 "$BMAPFS" --bmap $map "$file" mnt >stdout 2>stderr
		case $? in
		0) ;;
		1) says_re '^bmapfs: ERROR: '; continue ;;
		*) fail "$form: no clean end" ;;
		esac
		no_crash
		timeout -k 1 20 cat mnt/disk >copy 2>cat.stderr && fail "$form, $map: damaged bytes are handed out"
		grep -q 'Input/output error' cat.stderr || fail "$form: $(cat cat.stderr)"
		[ $map = bare.bmap ] || cmp -s -n "$(stat -c %s copy)" copy disk || fail "$form, $map: other bytes before the error"
		unmount mnt
	done
done
