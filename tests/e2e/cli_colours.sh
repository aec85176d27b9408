#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Colours on a terminal, unless NO_COLOR is set; none in a pipe or a file; info
# never (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
requires_command script
make_image image 1M 0:256
escape=$'\033'

# In a file.
run 0 "$BMAPTOOL" create -o image.bmap image
says "bmaptool: WARNING: all"
says_not "$escape"
run 1 "$BMAPTOOL" copy missing copy
says "bmaptool: ERROR: "
says_not "$escape"

# terminal WORDS...: both streams on a terminal; what it shows is in `screen`.
terminal() {
	local command
	printf -v command '%q ' "$@"
	timeout 30 script -qec "$command" /dev/null </dev/null >screen 2>script.log
}
export TERM=xterm
terminal "$BMAPTOOL" create -o image.bmap image
grep -qF "bmaptool: ${escape}[93mWARNING${escape}[0m: all 1.0 MiB" screen || fail "no colour: $(cat -v screen)"
terminal "$BMAPTOOL" copy missing copy && fail "a missing image is copied"
grep -qF "bmaptool: ${escape}[91mERROR${escape}[0m: " screen || fail "no colour: $(cat -v screen)"
terminal "$BMAPTOOL" -d copy image copy
grep -qE "^\[${escape}\[92m[0-9:]{8}${escape}\[0m\] \[.*\] bmaptool: debug: " screen || fail "no colour: $(cat -v screen)"
terminal "$BMAPTOOL" copy image copy
grep -qF "bmaptool: info: copying time" screen || fail "no info: $(cat -v screen)"

terminal env NO_COLOR=1 "$BMAPTOOL" create -o image.bmap image
grep -qF "bmaptool: WARNING: all 1.0 MiB" screen || fail "NO_COLOR: $(cat -v screen)"
! grep -qF "${escape}[9" screen || fail "NO_COLOR: colours: $(cat -v screen)"
# Empty counts as not set (no-color.org).
terminal env NO_COLOR= "$BMAPTOOL" create -o image.bmap image
grep -qF "${escape}[93mWARNING" screen || fail "an empty NO_COLOR counts: $(cat -v screen)"

# Only stderr counts: stdout in a file, stderr on the terminal.
terminal sh -c "'$BMAPTOOL' create image >out.bmap"
grep -qF "${escape}[93mWARNING" screen || fail "no colour with stdout in a file: $(cat -v screen)"
check_map verify out.bmap image
