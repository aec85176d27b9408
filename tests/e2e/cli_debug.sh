#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -d: debug lines with time and place besides the messages (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
for option in -d --debug; do
	run 0 "$BMAPTOOL" "$option" copy image copy
	silent_stdout
	says_re '^\[[0-9]{2}:[0-9]{2}:[0-9]{2}\] \[[A-Za-z0-9_./-]+,[0-9]+\] bmaptool: debug: .'
	says "discovered bmap file 'image.bmap'"
	says "copying time: "
	same image copy
done
run 0 "$BMAPTOOL" copy image copy
says_not "debug"
# No password in a debug line.
run 1 "$BMAPTOOL" -d copy --nobmap "http://someone:very-secret@127.0.0.1:1/image" copy
says_not "very-secret"
