#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --detect-zeroes: in a dense or compressed image the blocks of zeros are left
# out, and it is said that they become don't-care (issue 2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000001 0:1 10:5 100:7 244:1
cat image >dense
[ "$(stat -c %b dense)" -gt 1900 ] || skip "the filesystem makes holes of zeros"
want="0 10-14 100-106 244"

run 0 "$BMAPTOOL" create -o plain.bmap dense
[ "$(check_map get plain.bmap MappedBlocksCount)" = 245 ] || fail "a dense image is not all mapped"

check() {
	check_map layout ours.bmap
	check_map verify ours.bmap image
	[ "$(check_map blocks ours.bmap)" = "$want" ] || fail "$1: mapped: $(check_map blocks ours.bmap)"
	says_re "[Zz]ero.*don't.care"
}
gzip -k dense
xz -k -T1 dense
compressed="dense.gz dense.xz"
case " ${BMAP_FEATURES:-zstd bzip2 lz4} " in *" zstd "*) zstd -q dense; compressed+=" dense.zst" ;; esac
case " ${BMAP_FEATURES:-zstd bzip2 lz4} " in *" bzip2 "*) bzip2 -k dense; compressed+=" dense.bz2" ;; esac
cp dense.gz misnamed
for image in image dense $compressed misnamed; do
	run 0 "$BMAPTOOL" create --detect-zeroes -o ours.bmap "$image"
	check "$image"
done

# The map that was made from the compressed image copies it.
run 0 "$BMAPTOOL" copy --bmap ours.bmap dense.gz copy
same image copy

# Nothing but zeros; and a broken image is an error, not a short map.
head -c 1000000 /dev/zero >zeros
run 0 "$BMAPTOOL" create --detect-zeroes -o ours.bmap zeros
[ "$(check_map get ours.bmap MappedBlocksCount)" = 0 ] || fail "zeros are mapped"
head -c "$(($(stat -c %s dense.gz) / 2))" dense.gz >cut.gz
run 1 "$BMAPTOOL" create --detect-zeroes -o cut.bmap cut.gz
no_crash
says_re "ERROR: .*cut.gz"
[ ! -s cut.bmap ] || fail "a map of half an image was written"
