#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ~/.netrc gives the credentials where the URL has none; one that others can read
# is not used, and that is said.  COMPAT C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image.wic 1048576 0:4 100:3
make_map www/image.wic
start_server www
rules "* auth=anna:geheim"
printf 'machine other.host login no password no\nmachine 127.0.0.1 login anna password geheim\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
run 0 "$BMAPTOOL" copy "$URL/image.wic" out
same www/image.wic out
says_not geheim

# What the URL says wins.
run 1 "$BMAPTOOL" copy --nobmap "http://eve:x@127.0.0.1:$PORT/image.wic" new
says "401"

# Readable for others: ignored, with a word about it.
for mode in 644 640 604; do
	chmod $mode "$HOME/.netrc"
	: >"$LOG"
	run 1 "$BMAPTOOL" copy --nobmap "$URL/image.wic" new
	no_crash
	says ".netrc access too permissive"
	says "401"
	grep -v '^SENT' "$LOG" | grep -v 'auth=none' && failed "used with mode $mode"
	[ ! -e new ] || fail "new was made"
done

# ... and the copy goes on where no credentials are needed.
rules ""
run 0 "$BMAPTOOL" copy "$URL/image.wic" out
same www/image.wic out
# $NETRC is not looked at; no file at all is fine.
printf 'machine 127.0.0.1 login anna password geheim\n' >other
chmod 600 other
rm "$HOME/.netrc"
rules "* auth=anna:geheim"
run 1 env NETRC="$PWD/other" "$BMAPTOOL" copy --nobmap "$URL/image.wic" new
says_not ".netrc"
