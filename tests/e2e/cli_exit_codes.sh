#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 0 when all went well, 1 for any error, also when memory is short; an error
# is one line "bmaptool: ERROR: ..." on stderr (COMPAT.md C1, B1-14, B1-25).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
run 0 "$BMAPTOOL" copy image copy

error() {
	run 1 "$BMAPTOOL" "$@"
	silent_stdout
	no_crash
	says_re "^bmaptool: ERROR: ."
	says_not "traceback"
	[ "$(grep -c ERROR stderr)" = 1 ] || fail "more than one ERROR line: $*"
}
error copy missing copy
says "cannot open image:"
says "No such file or directory"
says_not "unknown url type"
error copy nosuch://host/image copy
error copy image.bmap copy
error copy --bmap image.bmap missing copy
error create missing
error copy image /

# So little memory that nothing can be done: an error, no success.
(ulimit -v 20000; exec "$BMAPTOOL" copy image short) >stdout 2>stderr </dev/null
status=$?
[ "$status" != 0 ] || same image short
no_crash
