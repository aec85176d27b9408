#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names and heads of the sources: base names are unique in the tree but for main.c; a file of lib/
# with more than 800 lines says in its head why; nothing is left to be done "later"; every C source
# and every script names its licence.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 99
status=0
complain() { echo "$*"; status=1; }

# Base names that stand in the tree more than once, a line each, with the reason behind a #.
allowed_twice='
main.c      # every program has one
'

folders=()
for folder in lib bmaptool bmapfs tests bench; do
	[ ! -d "$folder" ] || folders+=("$folder")
done
# What a build in the source tree leaves behind is no source.
mapfile -t files < <(find "${folders[@]}" \( -name .libs -o -name .deps -o -name __pycache__ \) -prune \
	-o -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' \) -print | LC_ALL=C sort)
if [ "${#files[@]}" = 0 ]; then
	echo "no sources were found: is top_srcdir right?"
	exit 1
fi

while read -r name; do
	grep -qE "^${name//./\\.}([[:space:]]|$)" <<<"$allowed_twice" && continue
	complain "the base name $name is not unique:$(printf '%s\n' "${files[@]}" | grep -E "/${name//./\\.}\$" | tr '\n' ' ' | sed 's/^/ /')"
done < <(printf '%s\n' "${files[@]##*/}" | LC_ALL=C sort | uniq -d)

for file in "${files[@]}"; do
	case $file in
	lib/*)
		n=$(wc -l <"$file")
		# The head is what stands before the first #include: "Over 800 lines: ..."
		if [ "$n" -gt 800 ] && ! sed '/^#include/q' "$file" | grep -qE '[0-9]{3,} lines'; then
			complain "$file has $n lines, and its head does not say why (\"Over 800 lines: ...\")"
		fi
		;;
	esac
done

# Written so that this script does not find itself.
later='TO''DO|FIX''ME|XX''X'
while read -r hit; do
	complain "$hit"
done < <(grep -nwE "$later" "${files[@]}" /dev/null)

for file in "${files[@]}"; do
	licence=$(sed -n '1,5s/.*SPDX-License-Identifier: \([A-Za-z0-9.+-]*\).*/\1/p' "$file" | head -n 1)
	if [ -z "$licence" ]; then
		complain "$file: no SPDX-License-Identifier in its first lines"
		continue
	fi
	case $file in
	lib/cli/* | bmaptool/* | bmapfs/*) want=GPL-2.0-or-later ;;
	lib/*) want=LGPL-2.1-or-later ;;
	*) continue ;;
	esac
	[ "$licence" = "$want" ] || complain "$file is under $licence, not $want"
done
exit "$status"
