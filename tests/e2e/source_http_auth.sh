#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# user:password@ in a URL becomes Basic authentication: decoded, out of the
# request line, out of messages, only after a challenge, and not carried over to
# another host.  COMPAT C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image.wic 1048576 0:4 100:3
make_map www/image.wic
gzip -1k www/image.wic
start_server www
with=http://john:p%40ss%3Aword@127.0.0.1:$PORT

rules "* auth=john:p@ss:word"
run 0 "$BMAPTOOL" copy "$with/image.wic.gz" out
same www/image.wic out
requests /image.wic.gz "auth=john:p@ss:word" | grep -q ' 200 ' || failed "no authenticated request"
awk '$1 != "SENT" && $2 ~ /john|p%40ss|p@ss/' "$LOG" | grep -q . && failed "credentials in the request line"
says_not "p%40ss"
says_not "p@ss"
[ "$(awk '$1 == "GET" && $2 == "/image.wic.gz" && $3 == 200' "$LOG" | wc -l)" = 1 ] || failed "the image was fetched more than once"

# Nobody asked for them: they are not sent.
rules ""
run 0 "$BMAPTOOL" copy "$with/image.wic.gz" out
grep -v '^SENT' "$LOG" | grep -v 'auth=none' && failed "credentials were sent without a challenge"

# Wrong or none: an error that says 401, and the destination is not made.
rules "* auth=john:p@ss:word"
for base in "http://john:wrong@127.0.0.1:$PORT" "$URL"; do
	run 1 "$BMAPTOOL" copy --nobmap "$base/image.wic.gz" new
	no_crash
	says "401"
	says_not "wrong"
	[ ! -e new ] || fail "new was made"
	[ "$(n_requests /image.wic.gz)" -le 4 ] || failed "tried again and again"
	: >"$LOG"
done

# Another host does not get them, whatever it asks for.
rules "/image.wic.gz redirect=http://localhost:$PORT/stolen.gz" "/stolen.gz auth=john:p@ss:word"
run 1 "$BMAPTOOL" copy --nobmap "$with/image.wic.gz" new
requests /stolen.gz "auth=none" | grep -q . || failed "the redirect was not followed"
requests /stolen.gz "auth=john" && failed "credentials went to another host"
exit 0
