#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A compressed map works, by content whatever its name (COMPAT.md B1-23).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
copies() {
	rm -f copy
	run 0 "$BMAPTOOL" copy --bmap "$1" maps/image copy
	same maps/image copy
}
copies maps/good-2.0.bmap.gz
xz -k maps/good-2.0.bmap
copies maps/good-2.0.bmap.xz
case " ${BMAP_FEATURES:-zstd bzip2 lz4} " in *" zstd "*) zstd -q maps/good-2.0.bmap; copies maps/good-2.0.bmap.zst ;; esac
case " ${BMAP_FEATURES:-zstd bzip2 lz4} " in *" bzip2 "*) bzip2 -k maps/good-2.0.bmap; copies maps/good-2.0.bmap.bz2 ;; esac
cp maps/good-2.0.bmap.gz map
copies map

# Cut: an error before the destination is touched.
head -c -20 maps/good-2.0.bmap.gz >maps/cut.bmap.gz
refuses_map maps/cut.bmap.gz
