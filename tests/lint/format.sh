#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The C sources are formatted as .clang-format says (clang-format 14, as in Debian 12; others break
# some lines in other places).
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 99
clang_format=${CLANG_FORMAT:-clang-format}
if ! command -v "$clang_format" >/dev/null; then
	echo "SKIP: needs clang-format"
	exit 77
fi
folders=()
for folder in lib bmaptool bmapfs tests/unit tests/fuzz tests/tools bench; do
	[ ! -d "$folder" ] || folders+=("$folder")
done
mapfile -t files < <(find "${folders[@]}" -name '*.[ch]' | LC_ALL=C sort)
if [ "${#files[@]}" = 0 ]; then
	echo "no C sources were found: is top_srcdir right?"
	exit 1
fi
if said=$("$clang_format" --dry-run -Werror --style=file "${files[@]}" 2>&1); then
	exit 0
fi
# A line a file instead of three lines a place.
sed -nE 's/^([^ :]+):([0-9]+):[0-9]+: error: .*/\1 \2/p' <<<"$said" | awk '
	!($1 in first) { first[$1] = $2; order[++n] = $1 }
	{ places[$1]++ }
	END { for (i = 1; i <= n; i++) print order[i] ":" first[order[i]] ": " places[order[i]] " places are not formatted" }'
grep -E '^[^ :]+:[0-9]+:[0-9]+: error:' <<<"$said" | grep -q . || echo "$said"
echo "mend it with: $clang_format -i FILES"
exit 1
