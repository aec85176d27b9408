#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A device with sectors of 4096 bytes and images that end within a sector, or
# whose map has blocks of 512 bytes (issue 2: logical sectors).
. "${0%/*}/common.sh" || exit 99
requires_loop
head -c 2M /dev/zero | tr '\0' '\252' >probe
LOOP=$(losetup --show -f -b 4096 probe 2>/dev/null) || skip "this losetup or kernel has no sectors of 4096 bytes"
[ "$(blockdev --getss "$LOOP")" = 4096 ] || { losetup -d "$LOOP"; skip "the loop device keeps its sectors of 512 bytes"; }
losetup -d "$LOOP"
loop_device disk 2M -b 4096

for size in 1 5000 1000001 1048576; do
	last=$(((size - 1) / 4096))
	make_image image "$size" 0:1 "$last:1"
	run 0 "$BMAPTOOL" create -o image.bmap image
	for arguments in image "--nobmap image"; do
		head -c 2097152 /dev/zero | tr '\0' '\252' >"$LOOP"
		# shellcheck disable=SC2086 # words are meant
		run 0 "$BMAPTOOL" copy $arguments "$LOOP"
		cmp -n $(((size - 1) % 4096 + 1)) -i $((last * 4096)) image "$LOOP" >&2 || fail "$size, $arguments: the last block"
		tail -c +$((size + 1)) "$LOOP" | tr -d '\252' | cmp -s - /dev/null || fail "$size, $arguments: bytes behind the image were changed"
	done
	same image <(head -c "$size" "$LOOP")
done

# Blocks of 512 bytes: what lies in the same sector beside a block stays.
python3 - <<-'PYTHON'
	import hashlib
	open("small", "wb").write(bytes(range(256)) * 2 * 64)
	text = '''<?xml version="1.0" ?>
	<bmap version="2.0">
	<ImageSize> 32768 </ImageSize> <BlockSize> 512 </BlockSize>
	<BlocksCount> 64 </BlocksCount> <MappedBlocksCount> 4 </MappedBlocksCount>
	<ChecksumType> sha256 </ChecksumType> <BmapFileChecksum> %s </BmapFileChecksum>
	<BlockMap> <Range> 3 </Range> <Range> 7-8 </Range> <Range> 63 </Range> </BlockMap>
	</bmap>
	''' % ("0" * 64)
	open("small.bmap", "w").write(text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1))
PYTHON
head -c 2097152 /dev/zero | tr '\0' '\252' >"$LOOP"
run 0 "$BMAPTOOL" copy small "$LOOP"
head -c 32768 /dev/zero | tr '\0' '\252' >want
for block in 3 7 8 63; do
	dd if=small of=want bs=512 skip="$block" seek="$block" count=1 conv=notrunc status=none
done
same want <(head -c 32768 "$LOOP")
