#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the inputs from which the fuzz targets begin: make-corpus.sh FOLDER
# A folder for each target.  A tool that is not here is named; its inputs are left out.
set -eu
out=${1:?usage: make-corpus.sh FOLDER}
mkdir -p "$out"/{xml,codec,tar,zip,sign}
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
