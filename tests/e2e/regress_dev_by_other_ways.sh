#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A typing error in a device's name makes no file under /dev, whichever way leads
# there: the current folder, a link to a name that is not there.
. "${0%/*}/common.sh" || exit 99
requires_root
[ "$(stat -f -c %T /dev)" = tmpfs ] || skip "/dev is no tmpfs"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
name=bmap-e2e-typo-$$
at_exit "rm -f /dev/$name /dev/shm/$name"

refused() {
	run 1 "$@"
	no_crash
	says "bmaptool: ERROR: there is no device"
	[ ! -e "/dev/$name" ] || fail "/dev/$name was made: $*"
}
refused env -C /dev "$BMAPTOOL" copy "$WORK/image" "$name"
refused env -C /dev "$BMAPTOOL" copy "$WORK/image" "./$name"
refused env -C /dev "$BMAPTOOL" copy --nobmap "$WORK/image" "$name"
refused env -C /usr "$BMAPTOOL" copy "$WORK/image" "../dev/$name"
ln -s /dev folder
refused env -C folder "$BMAPTOOL" copy "$WORK/image" "$name"

ln -s "/dev/$name" link
ln -s link again
ln -s "$(realpath --relative-to=. /dev)/$name" relative
# A link that leads elsewhere makes its file.
ln -s made elsewhere
run 0 "$BMAPTOOL" copy image elsewhere
[ -L elsewhere ] || fail "elsewhere is no link any more"
same image made
for dest in link "$WORK/link" relative again; do
	refused "$BMAPTOOL" copy image "$dest"
	[ -L "$dest" ] || fail "$dest is no link any more"
done
