#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage errors: exit 2, the usage on stderr, nothing on stdout
# (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1

usage() {
	run 2 "$BMAPTOOL" "$@"
	silent_stdout
	grep -qi '^usage: bmaptool' stderr || fail "no usage: bmaptool $*"
	says_re "bmaptool.*: error: "
}
usage
usage -q
usage nosuch
usage --nosuch
usage copy
usage copy image
usage copy image one two
usage copy --nosuch image copy
usage copy -q image copy
usage copy --quiet image copy
usage copy -d image copy
usage copy -x image copy
usage copy --bmap
usage copy image copy --bmap
usage copy --nobmap=yes image copy
usage copy --retries many --nobmap image copy
usage copy --threads none --nobmap image copy
usage copy --memory lots --nobmap image copy
usage create
usage create image other
usage create image -o
usage create --no-checksum=1 image
usage create -q image
usage Copy image copy
usage -- nosuch image copy
[ ! -e copy ] || fail "a destination was made"
