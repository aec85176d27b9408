#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image is not copied onto a loop device that stands on it, nor a disk onto a
# partition of its own.
. "${0%/*}/common.sh" || exit 99
requires_loop
requires_command sfdisk

loop_device image 8M
printf 'label: dos\nstart=2048, size=4096\n' | sfdisk -q image || fail "sfdisk"
sync
loop=$LOOP
cp image before
run 0 "$BMAPTOOL" create -o image.bmap image
ln -s image link
ln -s "$loop" device

refused() {
	run 1 "$@"
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	says_not "copying time"
	sync
	cmp before image >&2 || fail "the image was changed: $*"
}
for dest in "$loop" device; do
	refused "$BMAPTOOL" copy image "$dest"
	refused "$BMAPTOOL" copy --nobmap image "$dest"
	refused "$BMAPTOOL" copy --nobmap link "$dest"
	refused "$BMAPTOOL" copy --nobmap "$loop" "$dest"
	run_stdin image 1 "$BMAPTOOL" copy --nobmap - "$dest"
	cmp before image >&2 || fail "the image was changed from standard input"
done
# The other way round: the device into its own file.
refused "$BMAPTOOL" copy --nobmap "$loop" image
refused "$BMAPTOOL" copy --nobmap "$loop" link

# A partition of it.
cp before disk
LOOP=$(losetup --show -P -f disk) || fail "losetup"
at_exit "losetup -d $LOOP"
[ -b "${LOOP}p1" ] || { partx -a "$LOOP" 2>/dev/null; at_exit "partx -d $LOOP"; }
[ -b "${LOOP}p1" ] || skip "no partitions on loop devices here"
mv disk image
for pair in "image ${LOOP}p1" "${LOOP}p1 image" "${LOOP}p1 $LOOP" "$LOOP ${LOOP}p1"; do
	# shellcheck disable=SC2086 # two words
	refused "$BMAPTOOL" copy --nobmap $pair
done
# Something else goes there.
head -c 1M /dev/urandom >small
run 0 "$BMAPTOOL" copy --nobmap small "${LOOP}p1"
cmp -n 1048576 small "${LOOP}p1" >&2 || fail "the partition is not the image"
