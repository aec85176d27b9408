#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `bmaptool [COMMAND] --help` and man/bmaptool.1 list the same options, in the same order, with the
# same letters, arguments and defaults; so do `bmapfs --help` and man/bmapfs.1.
#
# What of the man pages counts: in the sections .Ss "Common options" and those of the commands, and
# .Sh "OPTIONS" of bmapfs.1, the items
#     .It Fl o , Fl \-output Ns = Ns Ar OUTPUT
#     .It Fl \-trace Ns Oo = Ns Ar WHERE Oc
# each with a line "Default: WORDS." below it, in the words of --help, when it has a default.
set -u
srcdir=${top_srcdir:-$(dirname "$0")/../..}
bmaptool=${BMAPTOOL:-${top_builddir:-$srcdir}/bmaptool/bmaptool}
bmapfs=${BMAPFS:-${top_builddir:-$srcdir}/bmapfs/bmapfs}
for program in "$bmaptool" "$bmapfs"; do
	command -v "$program" >/dev/null && continue
	echo "there is no '$program' (BMAPTOOL and BMAPFS name them)"
	exit 1
done
bmaptool=$(realpath "$(command -v "$bmaptool")")
bmapfs=$(realpath "$(command -v "$bmapfs")")
cd "$srcdir" || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
status=0

# Both print: LETTER NAME ARGUMENT DEFAULT, with a tab between and - for what is not there.
of_help() {
	awk '
	function flush() {
		if (name == "") return
		initial = "-"
		if (match(text, /\(default: .*\)$/))
			initial = substr(text, RSTART + 10, RLENGTH - 11)
		print letter "\t" name "\t" argument "\t" initial
		name = ""
	}
	/^options:/ { on = 1; next }
	on && /^[^ ]/ { flush(); on = 0 }
	on && /^  (-[A-Za-z0-9],|   ) --/ {
		flush()
		letter = substr($0, 4, 1) == " " ? "-" : substr($0, 4, 1)
		rest = substr($0, 9)
		name = rest; sub(/ .*/, "", name)
		rest = substr(rest, length(name) + 1)
		argument = "-"
		# --name[=ARGUMENT]: it may be left out
		if (match(name, /\[=.*\]$/)) {
			argument = "[" substr(name, RSTART + 2, RLENGTH - 3) "]"
			name = substr(name, 1, RSTART - 1)
		}
		# one space and a word in capitals is the argument, more spaces begin the text
		if (match(rest, /^ [^ ]+/)) {
			argument = substr(rest, 2, RLENGTH - 1)
			rest = substr(rest, RLENGTH + 1)
		}
		sub(/^ +/, "", rest)
		text = rest
		next
	}
	on && NF { line = $0; sub(/^ +/, "", line); text = text (text == "" ? "" : " ") line }
	END { flush() }'
}
of_man() {
	awk -v section="$1" '
	function flush() {
		if (name != "") print letter "\t" name "\t" argument "\t" initial
		name = ""
	}
	/^\.S[sh]/ { flush(); title = $0; sub(/^\.S[sh] /, "", title); on = title == section; next }
	on && /^\.It Fl/ {
		flush()
		letter = name = argument = initial = "-"
		n = split($0, word, " ")
		for (i = 2; i <= n; i++) {
			if (word[i] == "Fl") {
				flag = word[++i]
				if (sub(/^\\-/, "", flag)) name = flag
				else letter = flag
			} else if (word[i] == "Ar") argument = word[++i]
		}
		if ($0 ~ / Oo .* Oc$/) argument = "[" argument "]"
		gsub(/\\-/, "-", name)
		next
	}
	on && /^Default: .*\.$/ { initial = substr($0, 10, length($0) - 10) }
	END { flush() }' "$2"
}

# compare PAGE SECTION PROGRAM [COMMAND]
compare() {
	local page=$1 section=$2; shift 2
	if ! "$@" --help >"$tmp/text" 2>&1; then
		echo "'$* --help' failed:"; cat "$tmp/text"
		status=1
		return
	fi
	of_help <"$tmp/text" >"$tmp/help"
	of_man "$section" "$page" >"$tmp/man"
	if [ ! -s "$tmp/help" ]; then
		echo "'$* --help' lists no options"
		status=1
	fi
	if ! diff -u --label "$* --help" --label "$page, $section" "$tmp/help" "$tmp/man"; then
		status=1
	fi
}
compare man/bmaptool.1 "Common options" "$bmaptool"
compare man/bmaptool.1 create "$bmaptool" create
compare man/bmaptool.1 copy "$bmaptool" copy
compare man/bmaptool.1 index "$bmaptool" index
compare man/bmaptool.1 info "$bmaptool" info
compare man/bmaptool.1 "trace show" "$bmaptool" trace show
compare man/bmapfs.1 OPTIONS "$bmapfs"

# What the man pages say elsewhere of the names must not have been left behind either; that of
# bmapfs speaks of bmaptool's, too.
names_of() { "$@" --help | sed -nE 's/^ .* --([a-z][a-z-]*).*/\1/p'; }
# check_names PAGE: all that it names is in the file "known".
check_names() {
	local name
	while read -r name; do
		grep -qxF -- "$name" "$tmp/known" && continue
		echo "$1 speaks of --$name, which no command has"
		status=1
	done < <(grep -E '^\.' "$1" | grep -v '^\.\\"' | grep -oE 'Fl \\-[a-z][a-z\\-]*' | sed 's/^Fl \\-//; s/\\-/-/g' | sort -u)
}
names_of "$bmaptool" >"$tmp/known"
for command in create copy index info "trace show"; do
	# shellcheck disable=SC2086 # words are meant
	names_of "$bmaptool" $command
done >>"$tmp/known"
check_names man/bmaptool.1
names_of "$bmapfs" >>"$tmp/known"
check_names man/bmapfs.1
exit "$status"
