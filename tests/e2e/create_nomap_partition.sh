#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --nomap pN maps every block of a partition of the image's own GPT or MBR
# (issue 2).
. "${0%/*}/common.sh" || exit 99
requires_command sfdisk

mapped() {
	local want=$1; shift
	run 0 "$BMAPTOOL" create "$@" -o ours.bmap image
	check_map verify ours.bmap image
	# shellcheck disable=SC2086 # words are meant
	check_map mapped ours.bmap $want
}
unmapped() { check_map unmapped ours.bmap "$@"; }

truncate -s 8M image
sfdisk -q image <<-'TABLE' || fail "sfdisk"
	label: gpt
	start=2048, size=4096
	start=8192, size=2048
TABLE
sync image
mapped "256-767" --nomap p1
unmapped 1024-1279
mapped "1024-1279" --nomap p2
unmapped 256-767
mapped "256-767 1024-1279" --nomap p1 --nomap p2
unmapped 768-1023
mapped "256-767 900" --nomap p1 --nomap 3686400:3690000
unmapped 1024-1279

# MBR, with an extended partition that holds p5 and p6.
rm image
truncate -s 8M image
sfdisk -q image <<-'TABLE' || fail "sfdisk"
	label: dos
	start=64, size=960, type=83
	start=2048, size=12288, type=5
	start=4096, size=2048, type=83
	start=8192, size=2048, type=83
TABLE
sync image
sfdisk -d image | grep -q 'image6 *: start= *8192' || fail "sfdisk made another table: $(sfdisk -d image)"
mapped "8-127" --nomap p1
unmapped 512-767
mapped "512-767" --nomap p5
unmapped 8-127 1024-1279
mapped "1024-1279" --nomap p6
unmapped 512-767

for p in p0 p9 p7; do
	run 1 "$BMAPTOOL" create --nomap "$p" -o bad.bmap image
	no_crash
	says_re "ERROR: .*$p"
	[ ! -s bad.bmap ] || fail "$p: a map was written"
done
# No table at all.
make_image image 1M 0:1
run 1 "$BMAPTOOL" create --nomap p1 -o bad.bmap image
no_crash
says_re "ERROR: .*p1"
