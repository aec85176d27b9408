#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bytes behind the last member that belong to no member are an error.
# COMPAT B2 coreos-installer (CVE-2021-20319), C6.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:20
make_map image map
for codec in $(codecs); do
	compress "$codec" image whole
	for garbage in "x" "this is not a compressed member, it is garbage"; do
		{ cat whole; printf '%s' "$garbage"; } >trailing
		for options in --nobmap "--bmap map"; do
			rm -f out
			# shellcheck disable=SC2086 # several words
			run 1 "$BMAPTOOL" copy $options trailing out
			no_crash
			says "bmaptool: ERROR: "
			says_not "copying time"
			rm -f out
			# shellcheck disable=SC2086
			run_stdin trailing 1 "$BMAPTOOL" copy $options - out
			no_crash
		done
	done
done
