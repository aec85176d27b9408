#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bmaptool trace show and bmaptool info: counts, ranges, JSON and pictures.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_command sfdisk

mkdir data
mount_traced data mnt
truncate -s 4M mnt/image
printf 'label: gpt\nsize=1M, name="boot <&>"\nname="root"\n' | sfdisk -q mnt/image || fail sfdisk
fallocate -z -o 2097152 -l 8192 mnt/image
fallocate -p -o 3145728 -l 4096 mnt/image 2>/dev/null && fail "a punch was granted"
unmount mnt

json() { "$PY" -c "import json, sys; d = json.load(open('stdout')); print(($1))" || fail "no JSON: $(head -c 300 stdout)"; }
run 0 "$BMAPTOOL" trace show --json --ranges data/image
[ "$(json 'd["blocks"], d["zeroed"], d["punched"], d["size"]')" = "(1024, 2, 1, 4194304)" ] || fail "$(cat stdout)"
[ "$(json 'sum(r["blocks"] for r in d["list"] if "zeroed" in r["facts"])')" = 2 ] || fail "$(cat stdout)"
[ "$(json 'sum(r["blocks"] for r in d["list"]) + d["untouched_blocks"]')" = 1024 ] || fail "ranges and counts differ"
record=$(json 'd["record"]')
mapped=$(json 'd["mapped_blocks"]')
run 0 "$BMAPTOOL" trace show --ranges "$record"
grep -qE "^51[0-9]-51[0-9]:.* zeroed" stdout || fail "no range: $(cat stdout)"
grep -qE "^zeroed +2$" stdout || fail "no count: $(cat stdout)"
grep -q $'\033' stdout && fail "colors in a file"

run 0 "$BMAPTOOL" trace show --svg picture.svg data/image
"$PY" - picture.svg <<'END' || fail "the picture"
import sys, xml.etree.ElementTree as tree
texts = [t.text for t in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text")]
for want in ("p1 boot <&>", "p2 root", "written", "zeroed", "relied on"):
    if want not in texts: sys.exit("%r is not in %s" % (want, texts))
END

# The map of it has as many blocks, and info says so.
run 0 "$BMAPTOOL" create --trace -o image.bmap data/image
run 0 "$BMAPTOOL" info --json --ranges image.bmap
[ "$(json 'd["mapped_blocks"]')" = "$mapped" ] || fail "the map has $(json 'd["mapped_blocks"]') blocks, not $mapped"
[ "$(json 'd["version"], d["checksum_type"], d["image_size"]')" = "('2.0', 'sha256', 4194304)" ] || fail "$(cat stdout)"
[ "$(json 'sum(r["blocks"] for r in d["list"])')" = "$mapped" ] || fail "ranges and count differ"
[ "$(json 'all(len(r["checksum"]) == 64 for r in d["list"])')" = True ] || fail "no checksums"
run 0 "$BMAPTOOL" info --svg map.svg image.bmap
grep -q "mapped  *$mapped blocks" stdout || fail "$(cat stdout)"
"$PY" -c "import xml.etree.ElementTree as t; t.parse('map.svg')" || fail "map.svg"

# Bad input.
for command in "trace show" info; do
	echo nonsense >bad
	# shellcheck disable=SC2086 # words are meant
	run 1 "$BMAPTOOL" $command bad
	says "bad"
	# shellcheck disable=SC2086
	run 1 "$BMAPTOOL" $command "not there"
	says "not there"
done
run 1 "$BMAPTOOL" info --svg "no folder/x.svg" image.bmap
says "no folder"
run 2 "$BMAPTOOL" trace
run 2 "$BMAPTOOL" trace hide data/image
