#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All scripts pass shellcheck: quickstart, .ci/run, the tests, and what is shell in bench/.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 99
if ! command -v shellcheck >/dev/null; then
	echo "SKIP: needs shellcheck"
	exit 77
fi
mapfile -t files < <(
	for file in quickstart .ci/run bench/*; do
		[ -f "$file" ] && head -n 1 "$file" | grep -qE '^#!.*\b(ba|da)?sh\b' && echo "$file"
	done
	find tests -name '*.sh' | LC_ALL=C sort
)
if [ "${#files[@]}" -lt 10 ]; then
	echo "hardly any scripts were found: is top_srcdir right?"
	exit 1
fi
status=0 programs=() parts=()
for file in quickstart .ci/run; do
	if [ ! -s "$file" ] || ! head -n 1 "$file" | grep -q '^#!'; then
		echo "$file: empty, or without a #! line"
		status=1
	fi
done
# -x follows what the tests read: common.sh beside them, helpers.sh in tests/tools.
for file in "${files[@]}"; do
	if head -n 1 "$file" | grep -q '^#!'; then
		programs+=("$file")
	else
		parts+=("$file")
	fi
done
# A second or two each, so side by side.
printf '%s\0' "${programs[@]}" |
	xargs -0 -n 10 -P "$(nproc)" shellcheck -x -P SCRIPTDIR:SCRIPTDIR/../tools || status=1
# SC2034: what a part sets is used by those that read it.
shellcheck -x -P SCRIPTDIR:SCRIPTDIR/../tools -e SC2034 "${parts[@]}" || status=1
exit "$status"
