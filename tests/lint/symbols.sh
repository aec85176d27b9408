#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The exported symbols: those of the library (LIBBMAP_SO), those of lib/libbmap.map and those that
# the installed headers declare BMAP_API are the same, and all begin with bmap_.
set -u
srcdir=${top_srcdir:-$(dirname "$0")/../..}
so=${LIBBMAP_SO:-${top_builddir:-$srcdir}/lib/.libs/libbmap.so}
if [ ! -e "$so" ]; then
	echo "SKIP: no shared library '$so' (LIBBMAP_SO names it)"
	exit 77
fi
so=$(realpath "$so")
cd "$srcdir" || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
status=0
complain() { echo "$*"; status=1; }

# The version itself is a symbol of type A; what ends behind @ is the version's name.
${NM:-nm} -D --defined-only "$so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u >"$tmp/so"
sed -n '/global:/,/local:/p' lib/libbmap.map | sed -n 's/^[[:space:]]*\([A-Za-z_][A-Za-z0-9_]*\);.*/\1/p' >"$tmp/map.order"
LC_ALL=C sort -u "$tmp/map.order" >"$tmp/map"
# Comments out, declarations on a line each, then the name in front of the first bracket that
# is not an attribute's.
cat lib/include/bmap/*.h | tr '\n' ' ' | sed -E 's:/\*([^*]|\*+[^*/])*\*+/: :g' | tr ';{}' '\n' |
	sed -nE 's/.*BMAP_API[[:space:]]+(.*)/\1/p' |
	sed -nE 's/^[^(]*[^A-Za-z0-9_(]([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*\(.*/\1/p' |
	LC_ALL=C sort -u >"$tmp/headers"

for list in so map headers; do
	[ -s "$tmp/$list" ] || complain "no symbols were found in the $list"
done
difference() { LC_ALL=C comm -23 "$tmp/$1" "$tmp/$2"; }
while read -r s; do complain "$s is exported, but not in lib/libbmap.map"; done < <(difference so map)
while read -r s; do complain "$s is in lib/libbmap.map, but not exported"; done < <(difference map so)
while read -r s; do complain "$s is in lib/libbmap.map, but not declared BMAP_API in lib/include/bmap"; done < <(difference map headers)
while read -r s; do complain "$s is declared BMAP_API, but not in lib/libbmap.map"; done < <(difference headers map)
while read -r s; do
	case $s in bmap_*) ;; *) complain "$s is exported, but does not begin with bmap_" ;; esac
done <"$tmp/so"
LC_ALL=C sort -uc "$tmp/map.order" 2>/dev/null || complain "lib/libbmap.map: the symbols are not in order, or one stands there twice"
exit "$status"
