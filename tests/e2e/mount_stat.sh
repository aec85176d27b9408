#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What stat says of a mounted image: its size, the blocks of its map, who may
# read it, when the source was changed; df has an answer.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.img 1000000 0:1 10:5 200:3
a_map disk.img
touch -d '2020-02-02 02:02:02' disk.img
mount_image disk.img mnt
seen=mnt/disk.img
[ "$(stat -c %s $seen)" = 1000000 ] || fail "size $(stat -c %s $seen)"
[ "$(($(stat -c '%b * %B' $seen)))" = $((9 * 4096)) ] || fail "$(stat -c '%b * %B' $seen) bytes mapped"
[ "$(stat -c %a $seen)" = 444 ] || fail "mode $(stat -c %a $seen)"
[ "$(stat -c %F $seen)" = "regular file" ] || fail "$(stat -c %F $seen)"
[ "$(stat -c %u:%g $seen)" = "$(id -u):$(id -g)" ] || fail "owner $(stat -c %u:%g $seen)"
[ "$(stat -c %Y $seen)" = "$(stat -c %Y disk.img)" ] || fail "mtime $(stat -c %y $seen)"
[ "$(stat -c %F:%u mnt)" = "directory:$(id -u)" ] || fail "$(stat -c %F:%u mnt)"
[ "$(stat -c %s mnt/disk.img.bmap)" = "$(stat -c %s disk.img.bmap)" ] || fail "the map's size"
same disk.img.bmap mnt/disk.img.bmap
[ "$(du --apparent-size -B1 $seen | cut -f1)" = 1000000 ] || fail "du"
[ "$(du -B1 $seen | cut -f1)" = $((9 * 4096)) ] || fail "du: $(du -B1 $seen)"
[ "$(stat -f -c %S mnt)" = 4096 ] || fail "statfs: blocks of $(stat -f -c %S mnt)"
[ "$(stat -f -c %b mnt)" -ge 9 ] || fail "statfs: $(stat -f -c %b mnt) blocks"
[ "$(stat -f -c %a mnt)" = 0 ] || fail "statfs: $(stat -f -c %a mnt) are free"
df mnt >/dev/null || fail "df"
