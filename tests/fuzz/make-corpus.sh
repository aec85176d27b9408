#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the inputs from which the fuzz targets begin: make-corpus.sh FOLDER
# A folder for each target.  A tool that is not here is named; its inputs are left out.
set -eu
out=${1:?usage: make-corpus.sh FOLDER}
mkdir -p "$out"/{xml,codec,tar,zip,sign,index,trace}
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# An image: text, a hole, bytes that do not compress.
{
	seq 1 3000
	head -c 30000 /dev/zero
	seq 1 400 | sha512sum | tr -d '\n'
} >disk.img
cp disk.img sparse.img
truncate -s 1M sparse.img
printf end >>sparse.img
printf x >tiny

have() {
	command -v "$1" >/dev/null || {
		echo "make-corpus.sh: $1 is not here: inputs of it are left out"
		return 1
	}
}

# codec INDEX NAME COMMAND...: INDEX is the place in fuzz_codec.c's names
codec() {
	local index=$1 name=$2
	shift 2
	have "$1" || return 0
	for input in disk.img tiny /dev/null; do
		{
			printf "%b" "\\x0$index"
			"$@" <"$input"
		} >"$out/codec/$name-${input##*/}"
	done
	# two members
	{
		printf "%b" "\\x0$index"
		"$@" <tiny
		"$@" <disk.img
	} >"$out/codec/$name-two"
}
codec 0 gzip gzip -c
codec 1 xz xz -c
codec 1 xz-blocks xz -T2 --block-size=8KiB -c
codec 1 xz-sha256 xz --check=sha256 -c
codec 2 zstd zstd -q -c
codec 2 zstd-plain zstd -q --no-check -1 -c
codec 3 bzip2 bzip2 -1 -c
codec 4 lz4 lz4 -q -c
codec 4 lz4-linked lz4 -q -BD -BX -c
codec 5 lzop lzop -c
codec 5 lzop-crc lzop --crc32 -9 -c
# Found by libFuzzer: ISA-L gives back more input than it was given.
printf '\0\37\213\10\0\0\0\0\0\176\0\3C\0\0\0\0\0\0\0\0\176\0\3\0\0\0' >"$out/codec/gzip-far-back"

printf map >disk.img.bmap
printf text >README
for format in gnu pax ustar v7; do
	tar --format=$format -cf "$out/tar/$format" README disk.img.bmap disk.img
done
for version in 0.0 0.1 1.0; do
	tar --format=pax --sparse-version=$version -cSf "$out/tar/sparse-$version" sparse.img
done
tar --format=gnu -cSf "$out/tar/sparse-gnu" sparse.img
long=$(printf 'n%.0s' {1..180})
cp tiny "$long"
tar --format=gnu -cf "$out/tar/long-gnu" "$long"
tar --format=pax -cf "$out/tar/long-pax" "$long"

if have zip; then
	zip -q "$out/zip/deflated" README disk.img.bmap disk.img && mv "$out/zip/deflated.zip" "$out/zip/deflated"
	zip -q0 "$out/zip/stored" disk.img && mv "$out/zip/stored.zip" "$out/zip/stored"
	zip -q - disk.img >"$out/zip/streamed" </dev/null
	zip -q -fz - disk.img >"$out/zip/zip64" </dev/null
fi
# The least: an archive without members.
printf 'PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >"$out/zip/empty"

for version in 1.0 1.2; do
	cat >"$out/xml/$version" <<XML
<?xml version="1.0" ?>
<bmap version="$version">
  <ImageSize> 20000 </ImageSize> <BlockSize> 4096 </BlockSize>
  <BlocksCount> 5 </BlocksCount> <MappedBlocksCount> 3 </MappedBlocksCount>
  <BlockMap> <Range sha1="0123456789abcdef0123456789abcdef01234567"> 0-1 </Range>
  <Range> 4 </Range> </BlockMap>
</bmap>
XML
done
printf '<bmap/>' >"$out/xml/empty"
printf '<!DOCTYPE a [<!ENTITY b "c">]><bmap version="1.0">&b;</bmap>' >"$out/xml/entity"
zeros=$(printf '0%.0s' {1..64})
map() {
	cat <<XML
<?xml version="1.0" ?>
<bmap version="2.0"><ImageSize>20000</ImageSize><BlockSize>4096</BlockSize>
<BlocksCount>5</BlocksCount><MappedBlocksCount>3</MappedBlocksCount>
<ChecksumType>sha256</ChecksumType><BmapFileChecksum>$1</BmapFileChecksum>
<BlockMap><Range chksum="$zeros">0-1</Range><Range>4</Range></BlockMap></bmap>
XML
}
sum=$(map "$zeros" | sha256sum)
map "${sum%% *}" >"$out/xml/2.0"

{
	printf -- '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n'
	printf -- '<bmap/>\n- -----x\n\n-----BEGIN PGP SIGNATURE-----\n\nabcd\n'
} >"$out/sign/clear"
sed 's/$/\r/' "$out/sign/clear" >"$out/sign/crlf"
head -n 5 "$out/sign/clear" >"$out/sign/cut"

# le N_BYTES NUMBER...: little-endian
le() {
	local n=$1 number i
	shift
	for number; do
		for ((i = 0; i < n; i++)); do
			printf '%b' "\\x$(printf %02x $((number >> 8 * i & 255)))"
		done
	done
}
# index KIND NAME: standard input for fuzz_index.c, with an image of unknown size, and of 70000 bytes
index() {
	cat >bytes
	printf '%b' "\\x0$1\\x00" | cat - bytes >"$out/index/$2"
	(($1 == 3 || $1 == 4 || $1 == 6)) || printf '%b' "\\x0$1\\x46" | cat - bytes >"$out/index/$2-known"
}
{
	cat disk.img
	seq 30000
} | head -c 70000 >indexed.img
head -c 50000 indexed.img >begin
tail -c 20000 indexed.img >end
if have zstd; then
	zstd -q begin end
	cat begin.zst end.zst | index 0 zstd-frames
	head -c 50000 begin | zstd -q --no-check -c | index 0 zstd-size-unknown
	lens=("$(stat -c %s begin.zst)" 50000 "$(stat -c %s end.zst)" 20000)
	{
		cat begin.zst end.zst
		le 4 0x184d2a5e 25 "${lens[@]}" 2
		le 1 0
		le 4 0x8f92eab1
	} | index 0 zstd-table
	{
		cat begin.zst end.zst
		le 4 0x184d2a5e 33 "${lens[@]:0:2}" 0 "${lens[@]:2}" 0 2
		le 1 0x80
		le 4 0x8f92eab1
	} | index 0 zstd-table-sums
fi
if have lz4; then
	for options in "-B4" "-B4 --content-size" "-B4 -BD" "-B4 -BX --content-size"; do
		# shellcheck disable=SC2086
		lz4 -q $options -c indexed.img >"f.lz4" </dev/null
		index 1 "lz4${options// /}" <f.lz4
	done
	lz4 -q -B4 --content-size -c begin >begin.lz4
	lz4 -q -B4 --content-size -c end >end.lz4
	{
		cat begin.lz4
		le 4 0x184d2a51 5
		printf 12345
		cat end.lz4
	} | index 1 lz4-frames
fi
xz -T2 --block-size=8KiB -c indexed.img | index 2 xz-blocks
{
	xz -c begin
	le 4 0
	xz -c end
} | index 2 xz-streams
# BGZF: members that say in an extra field how long they are.
for part in begin end /dev/null; do
	gzip -nc "$part" >member
	len=$(stat -c %s member)
	printf '\37\213\10\4\0\0\0\0\0\377\6\0BC\2\0'
	le 2 $((len + 7))
	tail -c +11 member
done | index 5 bgzf
# GZIDX: three points, the second with a window; version 0 and 1; whole, and of a file's beginning only.
for version in 0 1; do
	for size in 0 300000; do
		{
			printf GZIDX
			le 1 $version 0
			le 8 1000 $size
			le 4 65536 32768 3
			le 8 10 0
			le 1 0
			((version == 0)) || le 1 0
			le 8 500 70000
			le 1 3
			((version == 0)) || le 1 1
			le 8 700 200000
			le 1 0
			((version == 0)) || le 1 1
			head -c 65536 /dev/zero
		} | index 3 gzidx-$version-$size
	done
done
# What is zero stays as the library writes it.
for length in 0 4095 4096 8192 8195 12288; do
	head -c $length /dev/zero | index 4 "blocks-$length"
done
{
	head -c 4096 /dev/zero
	head -c 8192 /dev/zero | tr '\0' '\377'
} | index 4 blocks-flipped
# Kept pieces: where they lie, how long they are, a window, a parameter, bits.
for codec in bzip2 zstd lz4; do
	for length in 120 100000; do
		{
			printf bmappcs1
			printf '%s' "$codec"
			head -c $((16 - ${#codec})) /dev/zero
			le 8 $length 2
			le 8 0 40 70000 0
			le 4 9
			le 1 0 3 0 0
			le 8 39 81 500 65536
			le 4 0x7130
			le 1 3 0 0 0
		} | index 6 kept-$codec-$length
	done
done

# Records for fuzz_trace.c: what comes before the digest; the length is that of header and facts.
fields() {
	printf 'BMAPTRCE'
	le 4 1 4096 4096 "$1"
	le 8 "$2" 0 0 0 0 0 0 0 0 "$3"
}
# record NAME FLAGS SIZE: with the facts in the file "facts"; the digest is that of portions of 256.
record() {
	local name=$1 flags=$2 size=$3 number=0 length digest i
	length=$(($(stat -c %s facts) + 4096))
	fields 0 "$size" "$length" >digested
	while head -c 256 >portion && [ -s portion ]; do
		truncate -s 256 portion
		if ! cmp -s portion <(head -c 256 /dev/zero); then
			le 8 $number >>digested
			cat portion >>digested
		fi
		number=$((number + 1))
	done <facts
	digest=$(sha256sum <digested)
	{
		printf '\0'
		fields "$flags" "$size" "$length"
		for ((i = 0; i < 64; i += 2)); do
			printf '%b' "\\x${digest:i:2}"
		done
		head -c 3960 /dev/zero
		cat facts
	} >"$out/trace/$name"
}
: >facts
record empty 0 0
record empty-in-use 1 9999
{
	le 1 1 1 2 3 4 8 16 17 48 0 0 1
	head -c 600 /dev/zero
	le 1 1 63
} >facts
record facts 0 2500000
record facts-in-use 1 2500000
# What is behind a good header: its size, and facts one after the other, or where they are.
{
	le 1 1
	le 8 2500000
	cat facts
} >"$out/trace/behind"
{
	le 1 2
	le 8 1099511627776
	for block in 0 1 2 300 70000 16777216 268435455; do
		le 4 $block
		le 1 $((block % 60 + 1))
	done
} >"$out/trace/far"
