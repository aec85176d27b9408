#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every arrow goes down: includes against lib/LAYERS.
#
# lib/:       "folder/x.h" of the own folder or one listed earlier; "bmap/x.h" from everywhere.
# programs:   "bmap/x.h", "cli/x.h", "base/x.h" and headers of their own folder.
# lib/include/bmap: <bmap/x.h> and the C library, since it is all that is installed.
# libraries:  each is included by one file, but for the exceptions below.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 99
status=0
complain() { echo "$*"; status=1; }

# PATTERN (of what stands between < and >)  FILE  (library)
one_file='
zstd(_errors)?\.h            lib/codec/decoder_zstd.c
bzlib\.h                     lib/codec/decoder_bzip2.c
lz4(frame|hc|frame_static)?\.h  lib/codec/decoder_lz4.c
lzo/.*                       lib/codec/decoder_lzo.c
lzma\.h                      lib/codec/decoder_xz.c
zlib\.h                      lib/codec/inflater_zlib.c
isa-l(/.*|\.h)               lib/codec/inflater_isal.c
curl/.*                      lib/source/source_http.c
libxml/.*                    lib/map/bmap_xml_read.c
openssl/.*                   lib/map/digest.c
blkid/.*                     lib/image/partition_table.c
'
# PATTERN  FILE: a second file, each with its reason.
#
# source_url.c parses URLs with libcurl's own parser, so that what is shown, what ssh gets and
# what is requested are never three different readings of one URL; it makes no transfer.
exceptions='
curl/.*                      lib/source/source_url.c
'

mapfile -t layers <lib/LAYERS
declare -A rank=()
for i in "${!layers[@]}"; do
	rank[${layers[i]}]=$i
	[ -d "lib/${layers[i]}" ] || complain "lib/LAYERS: there is no folder lib/${layers[i]}"
done
for folder in lib/*/; do
	folder=${folder#lib/}; folder=${folder%/}
	# a build in the source tree leaves folders without sources
	case $folder in include | .*) continue ;; esac
	compgen -G "lib/$folder/*.[ch]" >/dev/null || continue
	[ -n "${rank[$folder]:-}" ] || complain "lib/$folder is not listed in lib/LAYERS"
done

# includes FOLDER...: FILE:LINE:#include ..., of all C sources below.
includes() {
	local folder
	for folder; do
		[ ! -d "$folder" ] || grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' "$folder"
	done
}
# target TEXT: what an #include line names, without quotes or angles.
target() { sed -E 's/^[^<"]*[<"]([^>"]*)[>"].*/\1/' <<<"$1"; }

n=0
while IFS=: read -r file line text; do
	n=$((n + 1))
	name=$(target "$text")
	where="$file:$line"
	first=${name%%/*}
	case $file in
	lib/include/*)
		case $text in
		*\"*) complain "$where: installed headers include each other as <bmap/x.h>, not \"$name\"" ;;
		esac
		[ -z "${rank[$first]:-}" ] || [ "$first" = "$name" ] || complain "$where: <$name> is not installed"
		[ "$first" != bmap ] || [ -f "lib/include/$name" ] || complain "$where: there is no lib/include/$name"
		continue
		;;
	esac
	case $text in
	*'<'*)
		if [ "$first" = bmap ] || { [ "$first" != "$name" ] && [ -n "${rank[$first]:-}" ]; }; then
			complain "$where: headers of the tree are included as \"$name\""
		fi
		continue
		;;
	esac
	if [ "$first" = bmap ]; then
		[ -f "lib/include/$name" ] || complain "$where: there is no lib/include/$name"
		continue
	fi
	case $file in
	lib/*)
		own=${file#lib/}; own=${own%%/*}
		if [ "$first" = "$name" ]; then
			complain "$where: \"$name\" does not name its folder"
		elif [ -z "${rank[$first]:-}" ]; then
			complain "$where: \"$name\" lies in no layer"
		elif [ "${rank[$first]}" -gt "${rank[$own]:--1}" ]; then
			complain "$where: $own is below $first, so it must not include \"$name\""
		elif [ ! -f "lib/$name" ]; then
			complain "$where: there is no lib/$name"
		fi
		;;
	*)
		own=${file%%/*}
		case $first in
		cli | base | "$own") ;;
		"$name") [ -f "$own/$name" ] || complain "$where: there is no $own/$name" ;;
		*) complain "$where: programs include bmap/, cli/, base/ and their own headers, not \"$name\"" ;;
		esac
		;;
	esac
done < <(includes lib bmaptool bmapfs)
[ "$n" -gt 0 ] || complain "no #include was found: is top_srcdir right?"

# including PATTERN: the files with an #include <PATTERN>.
including() {
	includes lib bmaptool bmapfs |
		grep -E "<($1)>" | cut -d: -f1 | sort -u
}
while read -r pattern file; do
	[ -n "$pattern" ] || continue
	[ -f "$file" ] || complain "layers.sh: there is no $file any more"
	allowed=$(echo "$file"; while read -r p f; do [ "$p" != "$pattern" ] || echo "$f"; done <<<"$exceptions")
	while read -r found; do
		grep -qxF -- "$found" <<<"$allowed" || complain "$found: only $file may include <$pattern>"
	done < <(including "$pattern")
done <<<"$one_file"
while read -r pattern file; do
	[ -n "$pattern" ] || continue
	including "$pattern" | grep -qxF -- "$file" || complain "layers.sh: $file needs no exception for <$pattern> any more"
done <<<"$exceptions"
exit "$status"
