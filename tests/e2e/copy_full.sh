#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A destination that takes no more is an error, never a success.
# COMPAT B2 MediaWriter (/dev/full), C5.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:50
make_map image
run 1 "$BMAPTOOL" copy image /dev/full
no_crash
says "bmaptool: ERROR: "
says "No space left on device"
says_not "copying time"
run 0 "$BMAPTOOL" copy image /dev/null

# A file size limit, met midway.
(
	trap '' XFSZ
	ulimit -f 200
	run 1 "$BMAPTOOL" copy --nobmap image out
	no_crash
	says "ERROR"
	says "out"
) || exit 1
