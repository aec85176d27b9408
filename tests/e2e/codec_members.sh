#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files of several members, as `cat a.gz b.gz` makes them, are decoded to their
# end; members of zero length, skippable frames and xz's padding count for
# nothing.  COMPAT B2 bmap-rs, caligula, coreos-installer, nbdkit, flate2.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 1048576 0:4 100:20 255:1
make_map image map
head -c 300001 image >a
tail -c +300002 image >b
: >zero
check() {
	local what=$1
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap packed out
	cmp image out >&2 || fail "$what"
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap map packed out
	cmp image out >&2 || fail "$what with a map"
	rm -f out
	run_stdin packed 0 "$BMAPTOOL" copy --bmap map - out
	cmp image out >&2 || fail "$what from standard input"
}
for codec in $(codecs); do
	compress "$codec" a a.z
	compress "$codec" b b.z
	compress "$codec" zero zero.z
	cat a.z b.z >packed
	check "$codec: two members"
	cat a.z zero.z b.z zero.z >packed
	check "$codec: zero-length members"
	cat zero.z a.z b.z >packed
	check "$codec: a zero-length member first"
done
compress xz a a.z
compress xz b b.z
{ cat a.z; head -c 8 /dev/zero; cat b.z; head -c 4 /dev/zero; } >packed
check "xz: stream padding"
for codec in zstd lz4; do
	has_codec "$codec" || continue
	compress "$codec" a a.z
	compress "$codec" b b.z
	# A skippable frame: 0x184D2A50, its size, its content.
	printf '\120\052\115\030\005\000\000\000hello' >skip
	cat skip a.z skip b.z skip >packed
	check "$codec: skippable frames"
done
