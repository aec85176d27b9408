#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --memory allows a decompressor the large window that zstd --long=29 wants;
# without it the error says which option helps.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_codec zstd
requires_command zstd

a_disk image 2
make_map image map
# The size is not known in advance, else the window would be no larger.
zstd -q -1 --long=29 -c <image >long.zst
cp long.zst nosuffix
for file in long.zst nosuffix; do
	run 1 "$BMAPTOOL" copy --nobmap $file out
	no_crash
	says "bmaptool: ERROR: "
	says "--memory"
	rm -f out
done
run_stdin long.zst 1 "$BMAPTOOL" copy --nobmap - out
no_crash
says "--memory"
rm -f out
for option in --nobmap --bmap=map; do
	run 0 "$BMAPTOOL" copy --memory 2G $option long.zst out
	same image out
	rm out
	run_stdin long.zst 0 "$BMAPTOOL" copy --memory 2G $option - out
	same image out
	rm out
done
# In a tar, too.
tar -cf - image | zstd -q -1 --long=29 -c >image.tar.zst
run 1 "$BMAPTOOL" copy --nobmap image.tar.zst out
says "--memory"
rm -f out
run 0 "$BMAPTOOL" copy --memory 2G --nobmap image.tar.zst out
same image out
