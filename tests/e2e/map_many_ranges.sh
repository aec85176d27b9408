#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map of many unordered ranges, with blocks of 512 bytes, is read and copied
# in a time that grows no faster than the map.
. "${0%/*}/common.sh" || exit 99
# 64 MiB of hole, every second block mapped.
truncate -s 64M image
python3 - <<-'PYTHON'
	import hashlib, random
	numbers = list(range(0, 131072, 2))
	random.Random(1).shuffle(numbers)
	text = '''<?xml version="1.0" ?>
	<bmap version="2.0">
	<ImageSize> 67108864 </ImageSize> <BlockSize> 512 </BlockSize>
	<BlocksCount> 131072 </BlocksCount> <MappedBlocksCount> 65536 </MappedBlocksCount>
	<ChecksumType> sha256 </ChecksumType> <BmapFileChecksum> %s </BmapFileChecksum>
	<BlockMap>
	%s
	</BlockMap>
	</bmap>
	''' % ("0" * 64, "\n".join("<Range> %d </Range>" % n for n in numbers))
	text = text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1)
	open("image.bmap", "w").write(text)
PYTHON
printf 'a block' | dd of=image bs=512 seek=65536 conv=notrunc status=none
run 0 timeout 15 "$BMAPTOOL" copy --bmap image.bmap image copy
says "131072 blocks of size 512 (64.0 MiB), mapped 65536 blocks (32.0 MiB or 50.0%)"
same image copy
