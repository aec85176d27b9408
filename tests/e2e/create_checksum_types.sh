#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --chksum-type: other digests than sha256, and a sentence for an unknown one
# (issue 2; COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
requires_command "$PYTHON_BMAPTOOL"
make_image image 1000000 0:1 10:5 244:1

for type in sha512 md5 sha1 sha3-256 sha256; do
	run 0 "$BMAPTOOL" create --chksum-type "$type" -o "$type.bmap" image
	check_map layout "$type.bmap"
	check_map verify "$type.bmap" image
	run 0 "$BMAPTOOL" copy --bmap "$type.bmap" image copy
	same image copy
	rm copy
	run 0 "$PYTHON_BMAPTOOL" copy --bmap "$type.bmap" image copy
	same image copy
	rm copy
done
[ "$(check_map get sha512.bmap BmapFileChecksum | wc -c)" = 129 ] || fail "sha512 is not 128 digits"
[ "$(check_map get md5.bmap BmapFileChecksum | wc -c)" = 33 ] || fail "md5 is not 32 digits"

run 1 "$BMAPTOOL" create --chksum-type crc7 -o crc7.bmap image
says 'cannot initialize hash function "crc7"'
no_crash
[ ! -s crc7.bmap ] || fail "a map was written"
run 1 "$BMAPTOOL" create --chksum-type '' -o none.bmap image
no_crash
