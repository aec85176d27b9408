#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each installed header compiles on its own, as C11 without extensions, with nothing but
# lib/include in the search path; including it twice does no harm.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 99
read -ra cc <<<"${CC:-cc}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
status=0 n=0
for header in lib/include/bmap/*.h; do
	[ -f "$header" ] || continue
	n=$((n + 1))
	name=${header#lib/include/}
	printf '#include <%s>\n#include <%s>\nextern int not_empty;\n' "$name" "$name" >"$tmp/user.c"
	if ! "${cc[@]}" -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only -Ilib/include "$tmp/user.c"; then
		echo "$header does not compile on its own"
		status=1
	fi
	grep -q "^lib_LTLIBRARIES" lib/lib.mk && ! grep -qF "$header" lib/lib.mk && {
		echo "$header is not listed in lib/lib.mk, so it would not be installed"
		status=1
	}
done
if [ "$n" = 0 ]; then
	echo "no headers were found: is top_srcdir right?"
	exit 1
fi
exit "$status"
