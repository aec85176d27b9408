#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A regular file as the destination: exactly the image's size, sparse; a longer
# one shrinks, old content does not shine through; `-` is a file of that name;
# links are followed, the mode is kept (COMPAT.md C5).
. "${0%/*}/common.sh" || exit 99
make_image image 4000001 0:1 10:5 976:1
run 0 "$BMAPTOOL" create -o image.bmap image
sparse() { sync "$1"; [ "$(stat -c %b "$1")" -le 200 ] || fail "$1 is not sparse: $(stat -c %b "$1") sectors"; }

run 0 "$BMAPTOOL" copy image new
same image new
sparse new
[ "$(stat -c %a new)" = 644 ] || fail "mode $(stat -c %a new)"

head -c 9000000 /dev/urandom >larger
chmod 600 larger
run 0 "$BMAPTOOL" copy image larger
same image larger
sparse larger
[ "$(stat -c %a larger)" = 600 ] || fail "mode $(stat -c %a larger)"
head -c 100000 /dev/urandom >smaller
ln smaller second-name
run 0 "$BMAPTOOL" copy image smaller
same image smaller
same image second-name
head -c 9000000 /dev/urandom >larger
run 0 "$BMAPTOOL" copy --nobmap image larger
same image larger

run 0 "$BMAPTOOL" copy image -
silent_stdout
same image ./-
mkdir real
ln -s real/file link
run 0 "$BMAPTOOL" copy image link
[ -L link ] || fail "the link was replaced"
same image real/file
(umask 077; run 0 "$BMAPTOOL" copy image private) || exit 1
[ "$(stat -c %a private)" = 600 ] || fail "the umask is ignored: $(stat -c %a private)"
[ "$(find . -name '*.tmp*' -o -name '.new*' | wc -l)" = 0 ] || fail "something was left: $(ls -A)"
