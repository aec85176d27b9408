#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# https:// with a certificate that nobody vouches for is refused, and the sentence
# says that it is the certificate.  COMPAT C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"
requires_command nginx openssl

mkdir www
make_image www/image.wic 1048576 0:4 100:3
make_map www/image.wic
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2>/dev/null || fail "openssl"
TLS=$("$PY" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
NGINX_EXTRA="listen 127.0.0.1:$TLS ssl; ssl_certificate $PWD/cert.pem; ssl_certificate_key $PWD/key.pem;"
start_nginx www
curl -s --cacert cert.pem -o /dev/null "https://127.0.0.1:$TLS/image.wic" || fail "the test's own server"
run 1 "$BMAPTOOL" copy --retries 0 --nobmap "https://127.0.0.1:$TLS/image.wic" new
no_crash
says_re 'certificate|SSL|TLS'
[ ! -e new ] || fail "new was made"
run 1 "$BMAPTOOL" copy --retries 0 --bmap "https://127.0.0.1:$TLS/image.wic.bmap" www/image.wic new
no_crash
[ ! -e new ] || fail "new was made"
