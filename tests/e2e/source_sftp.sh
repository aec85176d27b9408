#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sftp:// against a real sshd: with the user's key, on another port, with names
# that have spaces; an unknown host key is refused.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

curl --version | grep -q '^Protocols:.* sftp' || skip "libcurl without sftp"
start_sshd
mkdir -p "remote/a folder"
make_image remote/image.wic 1048576 0:4 100:3
make_map remote/image.wic
gzip -1k remote/image.wic
cp remote/image.wic* "remote/a folder"
base=sftp://$(id -un)@127.0.0.1:$SSH_PORT$PWD/remote
for url in "$base/image.wic" "$base/image.wic.gz" "$base/a%20folder/image.wic.gz"; do
	rm -f out
	run 0 "$BMAPTOOL" copy "$url" out
	same remote/image.wic out
	says "discovered bmap file"
done
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "$base/nosuch.wic" new
no_crash
says "nosuch.wic"
[ ! -e new ] || fail "new was made"

ssh-keygen -q -t ed25519 -N '' -f sshd/other
echo "[127.0.0.1]:$SSH_PORT $(cut -d' ' -f1,2 sshd/other.pub)" >"$HOME/.ssh/known_hosts"
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "$base/image.wic" new
no_crash
[ ! -e new ] || fail "a host with another key than the known one was trusted"
echo >"$HOME/.ssh/known_hosts"
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "$base/image.wic" new
no_crash
[ ! -e new ] || fail "a host with an unknown key was trusted"
