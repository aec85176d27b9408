#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --version and --help go to standard output, with 0; a full one is an error.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

run 0 "$BMAPFS" --version
[ "$(cat stdout)" = "bmapfs 4.0.0" ] || fail "version: $(cat stdout)"
[ ! -s stderr ] || fail "something on stderr"
run 0 "$BMAPFS" -V
[ "$(cat stdout)" = "bmapfs 4.0.0" ] || fail "version: $(cat stdout)"
run 0 "$BMAPFS" --help
[ ! -s stderr ] || fail "something on stderr"
for option in --bmap --nobmap --bmap-sig --no-sig-verify --keyring --fingerprint --verify --verify-window --overlay \
	--cache --cache-size --index-step --memory --threads --retries --timeout --foreground --debug --options; do
	grep -qF -- "$option" stdout || fail "--help does not name $option"
done
run 0 "$BMAPFS" -h
head -1 stdout | grep -q '^usage: bmapfs ' || fail "usage: $(head -1 stdout)"
[ "$(awk 'length > 80' stdout)" = "" ] || fail "lines above 80 columns"
for option in --version --help; do
	! "$BMAPFS" $option >/dev/full 2>stderr || fail "$option: a full standard output is no error"
	no_crash
done
