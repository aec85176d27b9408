#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ftp:// with and without a user; discovery beside the image; a missing file.
# COMPAT C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
"$PY" -c 'import pyftpdlib' 2>/dev/null || skip "needs python3-pyftpdlib"

mkdir www
make_image www/image.wic 1048576 0:4 100:3
make_map www/image.wic
gzip -1k www/image.wic
start_ftp() {
	rm -f ftp.port
	"$PY" "$TOOLS/ftp_server.py" ftp.port www "$@" 2>ftp.stderr &
	at_exit "kill $!; wait $!"
	wait_for 10 [ -e ftp.port ] || fail "ftp_server.py: $(cat ftp.stderr)"
	FTP=127.0.0.1:$(cat ftp.port)
}
start_ftp
for file in image.wic image.wic.gz; do
	rm -f out
	run 0 "$BMAPTOOL" copy "ftp://$FTP/$file" out
	same www/image.wic out
	says "discovered bmap file"
done
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "ftp://$FTP/nosuch.wic" new
no_crash
says "nosuch.wic"
[ ! -e new ] || fail "new was made"
start_ftp peter 'ge:heim'
rm -f out
run 0 "$BMAPTOOL" copy "ftp://peter:ge%3Aheim@$FTP/image.wic.gz" out
same www/image.wic out
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "ftp://peter:wrong@$FTP/image.wic.gz" new
no_crash
says_not "wrong"
