#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A path under /dev that does not exist is an error; --force makes a regular
# file of it after the old warnings (COMPAT.md B1-22).
. "${0%/*}/common.sh" || exit 99
requires_root
[ "$(stat -f -c %T /dev)" = tmpfs ] || skip "/dev is no tmpfs"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
typo=/dev/bmap-e2e-typo-$$
at_exit "rm -f $typo"

run 1 "$BMAPTOOL" copy image "$typo"
no_crash
says_re "ERROR: .*$typo"
says_not "traceback"
[ ! -e "$typo" ] || fail "$typo was made"
# Neither by another way to say it.
ln -s /dev dev
run 1 "$BMAPTOOL" copy image "dev/${typo##*/}"
[ ! -e "$typo" ] || fail "$typo was made"
run 1 "$BMAPTOOL" copy image "/dev/../dev/./${typo##*/}"
[ ! -e "$typo" ] || fail "$typo was made"

run 0 "$BMAPTOOL" copy --force image "$typo"
says "WARNING"
says "\"$typo\" does not exist, creating a regular file \"$typo\""
[ -f "$typo" ] || fail "--force made nothing"
same image "$typo"

# A regular file that is there already.
run 0 "$BMAPTOOL" copy --force image "$typo"
says "\"$typo\" is under \"/dev\", but it is a regular file, not a device node"
