#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --version prints "bmaptool 4.0.0" on stdout (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
run 0 "$BMAPTOOL" --version
[ "$(head -1 stdout)" = "bmaptool 4.0.0" ] || fail "version: $(cat stdout)"
[ ! -s stderr ] || fail "something on stderr"
run 0 "$BMAPTOOL" --vers
[ "$(head -1 stdout)" = "bmaptool 4.0.0" ] || fail "version: $(cat stdout)"
# Scripts take the second word as the version.
[ "$("$BMAPTOOL" --version | awk '{ print $2; exit }')" = 4.0.0 ] || fail "the second word is no version"
# A full standard output is an error.
"$BMAPTOOL" --version >/dev/full 2>stderr && fail "a full standard output is no error"
no_crash
