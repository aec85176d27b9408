#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Side files are not images; of two images one has to be chosen with --member, and
# nothing is written until that is clear.  COMPAT B1-10.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image disk.wic 1048576 0:4 100:30
make_image other.wic 524288 0:4 50:3
make_map disk.wic
make_map other.wic other.map
echo "read me first, I am the longest text in here" >README
cp README README.md; cp README LICENSE.txt
sha256sum disk.wic >SHA256SUMS
sha256sum disk.wic >disk.wic.sha256
md5sum disk.wic >disk.wic.md5
echo "-----BEGIN PGP SIGNATURE-----" >disk.wic.asc
cp disk.wic.asc disk.wic.bmap.asc
cp disk.wic.asc disk.wic.sig
mkdir folder
side="README README.md LICENSE.txt SHA256SUMS disk.wic.sha256 disk.wic.md5 disk.wic.asc disk.wic.sig folder"

# shellcheck disable=SC2086 # lists of names
{
	tar -czf first.tar.gz disk.wic $side
	tar -czf last.tar.gz $side disk.wic
	tar -cf last.tar $side disk.wic
	zip -qr first.zip disk.wic $side
	zip -qr last.zip $side disk.wic
	tar -czf two.tar.gz $side disk.wic other.wic
	zip -qr two.zip $side disk.wic other.wic
	tar -czf none.tar.gz $side
	zip -qr none.zip $side
	tar -czf dotted.tar.gz ./README ./disk.wic
}
cp disk.wic.bmap map
rm disk.wic.bmap
for file in first.tar.gz last.tar.gz last.tar first.zip last.zip dotted.tar.gz; do
	for options in --nobmap "--bmap map"; do
		rm -f out
		# shellcheck disable=SC2086
		run 0 "$BMAPTOOL" copy $options $file out
		cmp disk.wic out >&2 || fail "$file $options"
	done
done

echo precious >keep
cp keep before
for file in two.tar.gz two.zip; do
	run 1 "$BMAPTOOL" copy --nobmap $file keep
	no_crash
	says "--member"
	says "disk.wic"
	says "other.wic"
	same keep before
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap --member other.wic $file out
	same other.wic out
	run 0 "$BMAPTOOL" copy --bmap map --member=disk.wic $file out
	same disk.wic out
	run 0 "$BMAPTOOL" copy --bmap other.map --member other.wic $file out
	same other.wic out
	run 1 "$BMAPTOOL" copy --nobmap --member nosuch.wic $file keep
	no_crash
	says "nosuch.wic"
	same keep before
done
for file in none.tar.gz none.zip; do
	run 1 "$BMAPTOOL" copy --nobmap $file keep
	no_crash
	says "ERROR"
	same keep before
done
# A side file may be asked for by name.
rm -f out
run 0 "$BMAPTOOL" copy --nobmap --member README last.tar.gz out
same README out
