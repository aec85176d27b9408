#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A local image that does not exist is reported as that, not as a strange URL.
# COMPAT B1-14.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

for name in nosuch nosuch.wic.gz folder/nosuch ./a:b; do
	run 1 "$BMAPTOOL" copy "$name" out
	no_crash
	silent_stdout
	says "bmaptool: ERROR: "
	says "No such file or directory"
	says "$name"
	says_not "url"
	says_not "URL"
	[ ! -e out ] || fail "out was made"
done
run 1 "$BMAPTOOL" copy --nobmap strange://host/image out
no_crash
says "strange"
mkdir folder
run 1 "$BMAPTOOL" copy --nobmap folder out
no_crash
says "directory"
