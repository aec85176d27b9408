#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a copy says, line by line, as scripts and LAVA wait for it; standard
# output stays empty, -q leaves warnings only.  COMPAT C2, C3.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image.wic 4194304 0:256
make_map image.wic image.bmap
gzip -k image.wic
mkdir out
run 0 "$BMAPTOOL" copy "$PWD/image.wic.gz" out/disk
silent_stdout
same image.wic out/disk
sed -E 's/time: [0-9hms. ]+, copying speed [0-9.]+ [MKiB]+iB/TIME/' stderr >said
cat >expected <<END
bmaptool: info: discovered bmap file '$PWD/image.bmap'
bmaptool: info: block map format version 2.0
bmaptool: info: 1024 blocks of size 4096 (4.0 MiB), mapped 256 blocks (1.0 MiB or 25.0%)
bmaptool: info: copying image 'image.wic.gz' to file 'disk' using bmap file 'image.bmap'
bmaptool: info: synchronizing 'out/disk'
bmaptool: info: copying TIME/sec
END
diff -u expected said >&2 || fail "other words"

run 0 "$BMAPTOOL" -q copy image.wic.gz out/disk
[ ! -s stderr ] || fail "-q is not quiet"

# The nearest name wins: image.wic.gz.bmap, image.wic.bmap, image.bmap.
cp image.bmap image.wic.bmap
run 0 "$BMAPTOOL" copy image.wic.gz out/disk
says "discovered bmap file 'image.wic.bmap'"
cp image.bmap image.wic.gz.bmap
run 0 "$BMAPTOOL" copy image.wic.gz out/disk
says "discovered bmap file 'image.wic.gz.bmap'"
