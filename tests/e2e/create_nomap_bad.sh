#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Values of --nomap that make no sense: one sentence, no map (issue 2).
. "${0%/*}/common.sh" || exit 99
make_image image 1M 0:1
for value in '' : 5 5: :5x a:b 10:5 -5:10 5:-10 1K 1K:2Q p pp p-1 px p1x 1:2:3 \
	99999999999999999999:99999999999999999999 0:99999999999999999999 0:20E; do
	"$BMAPTOOL" create "--nomap=$value" -o bad.bmap image >stdout 2>stderr </dev/null
	case $? in 1 | 2) ;; *) fail "--nomap '$value' is accepted" ;; esac
	no_crash
	silent_stdout
	grep -q "nomap\|$value" stderr || fail "--nomap '$value': no sentence about it"
	[ ! -s bad.bmap ] || fail "--nomap '$value': a map was written"
done
