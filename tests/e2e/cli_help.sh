#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -h and --help: exit 0, on stdout, and every option is in it (COMPAT.md C1).
. "${0%/*}/common.sh" || exit 99
help_lists() {
	local command=$1 word
	shift
	for option in -h --help; do
		# shellcheck disable=SC2086 # words are meant
		run 0 "$BMAPTOOL" $command $option
		[ ! -s stderr ] || fail "$command $option: something on stderr"
		grep -qi "^usage: bmaptool" stdout || fail "$command $option: no usage"
		for word; do
			grep -qF -- "$word" stdout || fail "$command $option: no $word"
		done
	done
}
help_lists "" create copy --quiet --debug --version -q -d -h
help_lists create --output -o --no-checksum --chksum-type --range-size --detect-zeroes --nomap image
help_lists copy --bmap --nobmap --bmap-sig --no-sig-verify --keyring --fingerprint --no-verify --psplash-pipe \
	--removable-device --force --retries --threads --memory --member image dest
# The formats that `copy -h` has always listed.
for format in bz2 gz xz lzo lz4 zst tar.gz zip; do
	grep -qw -- "$format" stdout || fail "copy -h does not name $format"
done
# Help comes before what else is wrong.
run 0 "$BMAPTOOL" copy -h image
run 0 "$BMAPTOOL" copy --help --bmap x --nobmap
# Lines fit a terminal of 80 columns.
for command in "" create copy; do
	# shellcheck disable=SC2086 # words are meant
	run 0 "$BMAPTOOL" $command -h
	long=$(awk 'length > 80' stdout)
	[ -z "$long" ] || fail "lines of more than 80 columns: $long"
done
