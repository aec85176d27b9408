#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One raw file, traced over another file and over itself; and what is read of an image.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

make_image disk.img 1048576 0:256
put() { printf %s "$1" | dd of="$2" bs=4096 seek="$3" conv=notrunc status=none || fail "writing to $2"; }
mapped() { sed -nE 's/.*<MappedBlocksCount> ([0-9]+) .*/\1/p' "$1"; }

# Over another file; nothing is known of what was there.
: >point
mount_traced --assume=unwritten disk.img point
[ "$(stat -c %s point)" = 1048576 ] || fail "the size is $(stat -c %s point)"
put x point 3
run 0 "$BMAPTOOL" create --trace -o live.bmap point
unmount point
run 0 "$BMAPTOOL" create --trace -o later.bmap disk.img
[ "$(mapped live.bmap)" = 1 ] || fail "$(mapped live.bmap) blocks are mapped"
[ "$(mapped later.bmap)" = 1 ] || fail "$(mapped later.bmap) blocks are mapped later"
says_re "disk.img': [0-9]+ blocks are mapped only because of the trace, 255 are left out"
has_facts "0:8 3:1" disk.img # create looked at the first block

# Over itself: it goes on.
mount_traced disk.img disk.img
put x disk.img 7
unmount disk.img
has_facts "0:8 3:1 7:1" disk.img

# Of a file there is no folder and of a folder no file.
mkdir folder
run 1 "$BMAPFS" --trace disk.img folder
says "cannot mount at 'folder'"
run 1 "$BMAPFS" --trace folder disk.img
says "cannot mount at 'disk.img'"
mkdir folder/inside
run 1 "$BMAPFS" --trace folder folder/inside
says "it lies within"

# What is read of a mounted image.
run 0 "$BMAPTOOL" create -o image.bmap disk.img
mkdir www; cp disk.img image.bmap www; mv www/image.bmap www/disk.img.bmap
start_server www
mount_image --trace=reads "$URL/disk.img" mnt
dd if=mnt/disk.img of=/dev/null bs=4096 skip=10 count=2 status=none
dd if=mnt/disk.img of=/dev/null bs=4096 skip=200 count=1 status=none
unmount mnt
[ "$(record facts reads)" = "10-11:8 200:8" ] || fail "the record says $(record facts reads)"
# Another mount goes on with it, an image of another size does not.
mount_image --trace=reads "$URL/disk.img" mnt
dd if=mnt/disk.img of=/dev/null bs=4096 skip=12 count=1 status=none
unmount mnt
[ "$(record facts reads)" = "10-12:8 200:8" ] || fail "then it says $(record facts reads)"
head -c 8192 disk.img >www/small.img
run 1 "$BMAPFS" --nobmap --trace=reads "$URL/small.img" mnt
says "is not that of this image"
run 1 "$BMAPFS" --nobmap --trace "$URL/disk.img" mnt
says "--trace=FILE"
