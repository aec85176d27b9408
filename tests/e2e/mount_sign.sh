#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Signatures of the map as with copy: a good one is verified, a bad one and an
# unknown key are refused, --no-sig-verify and --fingerprint do what they say.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_key "Stranger"
stranger=$KEY
make_key "Image Builder <builder@example.org>"
make_image disk.wic 1000000 0:1 10:5
gzip -1nk disk.wic
a_map disk.wic
mounts() { mount_image "$@" mnt; no_crash; same disk.wic mnt/disk.wic; unmount mnt; }
for kind in detached inline; do
	if [ $kind = detached ]; then
		sign "$KEY" -o disk.wic.bmap.sig --detach-sign disk.wic.bmap
	else
		rm disk.wic.bmap.sig
		cp disk.wic.bmap plain
		sign "$KEY" -o disk.wic.bmap --clearsign plain
	fi
	mounts disk.wic.gz
	mounts disk.wic.bmap
	mounts --fingerprint "$KEY" disk.wic.gz
	gpg --batch --export "$KEY" >builder.gpg 2>/dev/null
	mounts --keyring "$PWD/builder.gpg" disk.wic.gz
	refuses_mount "requested fingerprint $stranger did not sign" --fingerprint "$stranger" disk.wic.gz mnt
	mkdir -m 700 -p empty
	GNUPGHOME=$PWD/empty refuses_mount "BAD GPG signature" disk.wic.gz mnt
	GNUPGHOME=$PWD/empty mounts --no-sig-verify disk.wic.gz
done
# Another map under the same signature.
cp plain disk.wic.bmap
sign "$KEY" -o disk.wic.bmap.asc --armor --detach-sign disk.wic.bmap
mounts disk.wic.gz
run 0 "$BMAPTOOL" create --no-checksum -o disk.wic.bmap disk.wic
refuses_mount "BAD GPG signature" disk.wic.gz mnt
refuses_mount "BAD GPG signature" disk.wic.bmap mnt
mounts --no-sig-verify disk.wic.gz
mounts --nobmap disk.wic.gz
rm disk.wic.bmap.asc
refuses_mount "no signature found but --keyring given|no signature" --keyring "$PWD/builder.gpg" disk.wic.gz mnt
