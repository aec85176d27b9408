#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ssh:// reads through the user's own ssh: the port is honoured, discovery works,
# host keys are checked, a missing file is an error, a path is a path and never a
# command.  COMPAT B1-26, C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

start_sshd
mkdir -p remote
make_image remote/image.wic 1048576 0:4 100:3
make_map remote/image.wic
gzip -1k remote/image.wic
base=ssh://$(id -un)@127.0.0.1:$SSH_PORT$PWD/remote
for file in image.wic image.wic.gz; do
	rm -f out
	run 0 "$BMAPTOOL" copy "$base/$file" out
	same remote/image.wic out
	says "discovered bmap file"
done
grep -qx "$SSH_PORT" ssh.arguments || grep -qx -- "-p$SSH_PORT" ssh.arguments || fail "no port in ssh's arguments"
grep -qi 'StrictHostKeyChecking=no' ssh.arguments && fail "host keys are not checked"

# Whoever it logs in as, commands run here.
mkdir jail
{
	# shellcheck disable=SC2016
	printf 'command="cd %s/jail && exec sh -c \\"$SSH_ORIGINAL_COMMAND\\"" ' "$PWD"
	cat "$HOME/.ssh/id_ed25519.pub"
} >sshd/authorized
# shellcheck disable=SC2016 # meant literally
names=("it's a \"disk\".wic" 'a;touch pwned' 'b$(touch pwned)' 'c`touch pwned`' 'd && touch pwned' 'e | touch pwned' '-f' "g'; touch pwned; '" 'h*i' 'back\slash' '~')
for name in "${names[@]}"; do
	cp remote/image.wic "remote/$name"
	rm -f out
	run 0 "$BMAPTOOL" copy --bmap remote/image.wic.bmap "$base/$name" out
	cmp remote/image.wic out >&2 || fail "$name"
	if [ -e jail/pwned ] || [ -e pwned ]; then fail "$name was executed"; fi
	rm "remote/$name"
done
name='nosuch;touch pwned'
run 1 "$BMAPTOOL" copy --nobmap "$base/$name" new
no_crash
says "ERROR"
says "nosuch"
[ ! -e jail/pwned ] || fail "executed"
[ ! -e new ] || fail "new was made"

# A host that is an option to ssh.
run 1 "$BMAPTOOL" copy --nobmap "ssh://-oProxyCommand=touch%20pwned/image" new
run 1 "$BMAPTOOL" copy --nobmap "ssh://-oProxyCommand=touch pwned/image" new
no_crash
[ ! -e pwned ] || fail "an option was passed to ssh"

# An unknown host key is refused.
echo >"$HOME/.ssh/known_hosts"
run 1 "$BMAPTOOL" copy --nobmap "$base/image.wic" new
no_crash
says "ERROR"
[ ! -e new ] || fail "new was made"
