#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --nobmap onto a device writes the zeros too, and nothing behind the image.
# COMPAT B2 coreos-installer (conv=sparse on a dirty disk).
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_loop

loop_device disk 4194304
make_image image 3145728 0:4 200:3
head -c 1048576 /dev/zero | tr '\0' '\252' | cat image - >expected
gzip -1k image
run 0 "$BMAPTOOL" copy --nobmap image "$LOOP"
blockdev --flushbufs "$LOOP"
same expected "$LOOP"
head -c 4194304 /dev/zero | tr '\0' '\252' | dd of="$LOOP" bs=1M status=none conv=fsync
run 0 "$BMAPTOOL" copy --nobmap image.gz "$LOOP"
blockdev --flushbufs "$LOOP"
same expected "$LOOP"

# Larger than the device, and known to be: refused before the first byte.
make_image large 5242880 0:1280
sum=$(sha256sum <"$LOOP")
run 1 "$BMAPTOOL" copy --nobmap large "$LOOP"
says "the image file 'large' has size 5.0 MiB and it will not fit the block device '$LOOP' which has 4.0 MiB capacity"
[ "$(sha256sum <"$LOOP")" = "$sum" ] || fail "the device was written"
# Compressed, it shows only on the way: an error all the same.
gzip -1k large
run 1 "$BMAPTOOL" copy --nobmap large.gz "$LOOP"
no_crash
says "ERROR"
