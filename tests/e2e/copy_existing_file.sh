#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A copy over an existing file: nothing of the old content is left, mode and
# hard links stay, a symlink is followed; as Python's bmaptool does.
# COMPAT C5.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image image 2097152 0:4 400:30
make_map image
head -c 3000000 /dev/zero | tr '\0' '\252' >out
chmod 640 out
ln out other
ln -s out link
run 0 "$BMAPTOOL" copy image link
same image out
same image other
[ -L link ] || fail "the symlink was replaced"
[ "$(stat -c %a out)" = 640 ] || fail "mode is $(stat -c %a out)"
if [ -x "$PYTHON_BMAPTOOL" ]; then
	head -c 3000000 /dev/zero | tr '\0' '\252' >python
	"$PYTHON_BMAPTOOL" -q copy image python 2>oracle.stderr || fail "oracle"
	same_extents python out
fi
# A new file has the mode that umask leaves.
umask 027
run 0 "$BMAPTOOL" copy image new
[ "$(stat -c %a new)" = 640 ] || fail "mode of a new file is $(stat -c %a new)"
