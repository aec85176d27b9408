#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing outside of the folder can be reached through the mount: not by symbolic links, by "..", or
# by folders and files that become links behind the kernel's back.  The records cannot be seen.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

mkdir data data/d outside
echo secret >outside/secret
echo secret >outside/other
chmod 600 outside/secret
echo inside >data/d/secret
echo inside >data/other
ln -s ../outside data/up
ln -s "$PWD/outside" data/away
ln -s nowhere data/dangling
mount_traced data mnt

# Links are links: their text is theirs, and what is done to them is not done to what they name.
[ "$(readlink mnt/up)" = ../outside ] || fail "up -> $(readlink mnt/up)"
[ "$(readlink mnt/dangling)" = nowhere ] || fail "dangling -> $(readlink mnt/dangling)"
[ "$(stat -c %F mnt/away)" = "symbolic link" ] || fail "away is a $(stat -c %F mnt/away)"
before=$(stat -c '%a %Y %Z %s' outside outside/secret)
touch -h -d @5 mnt/away || fail "touch -h"
chown -h "$(id -u):$(id -g)" mnt/away || fail "chown -h"
[ "$(stat -c %Y mnt/away)" = 5 ] || fail "touch -h did nothing"
getfattr -h -d mnt/away >/dev/null 2>&1
ln mnt/away mnt/away2 || fail "no link to a link"
[ "$(readlink mnt/away2)" = "$PWD/outside" ] || fail "ln followed"
mv mnt/away2 mnt/away3
rm mnt/away3
"$PY" - <<'END' || fail "links"
import os
for flags in os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT | os.O_TRUNC:
    try:
        os.open("mnt/away", flags | os.O_NOFOLLOW)
    except OSError:
        continue
    raise SystemExit("O_NOFOLLOW followed")
END
[ "$(stat -c '%a %Y %Z %s' outside outside/secret)" = "$before" ] || fail "outside was changed"
# A relative link resolves where it is seen.
mkdir -p below
[ "$(realpath -m mnt/up)" = "$PWD/outside" ] || fail "up is $(realpath -m mnt/up)"
[ "$(cat mnt/d/../other)" = inside ] || fail ".. in the folder"

# reads WHAT FILE: it is not the secret, whatever else happens.
reads() {
	local text
	text=$(timeout 10 cat "$2" 2>/dev/null)
	[ "$text" != secret ] || fail "$1: $2 leads outside"
}
# A folder that somebody is in becomes a link behind the mount's back; then a file does.
for round in 1 2; do
	(
		cd mnt/d || fail "cd"
		[ "$round" = 1 ] || [ "$(cat secret)" = inside ] || fail "d/secret"
		mv "$WORK/data/d" "$WORK/moved"
		ln -s ../outside "$WORK/data/d"
		reads "a folder that became a link" secret
		reads "a folder that became a link" other
		(echo attack >attack) 2>/dev/null
		mkdir evil 2>/dev/null
		ln -s x evil2 2>/dev/null
		mv secret stolen 2>/dev/null
		chmod 777 other 2>/dev/null
		rm other 2>/dev/null
		true
	) || exit 1
	[ "$(ls -A outside)" = "$(printf 'other\nsecret')" ] || fail "outside now holds $(ls -A outside)"
	[ "$(stat -c '%a %Y %s' outside/secret)" = "$(awk 'NR == 2 { print $1, $2, $4 }' <<<"$before")" ] || fail "outside/secret was changed"
	rm data/d
	mv moved data/d
	rm -rf data/d/attack data/d/evil data/d/evil2
	[ ! -e data/d/stolen ] || mv data/d/stolen data/d/secret
	echo inside >data/d/secret
done
for call in 'cat mnt/other' 'truncate -s 0 mnt/other' 'chmod 777 mnt/other' 'setfattr -n user.x -v y mnt/other' \
	'touch -d @7 mnt/other' 'ln mnt/other mnt/hard' 'dd of=mnt/other if=/dev/zero count=1 conv=notrunc'; do
	stat mnt/other >/dev/null
	exec 5<mnt/other
	mv data/other moved
	ln -s ../outside/secret data/other
	# shellcheck disable=SC2086 # words are meant
	text=$(timeout 10 $call 2>/dev/null)
	# The name may have been looked up anew; then it is a link, and the caller's own kernel follows it.
	if [ "$(readlink mnt/other)" = "" ]; then
		[ "$text" != secret ] || fail "$call leads outside"
		[ "$(cat outside/secret)" = secret ] || fail "$call wrote outside"
	fi
	exec 5<&-
	rm -f data/other data/hard
	mv moved data/other
	echo secret >outside/secret
	chmod 600 outside/secret
	sleep 0.1
done

# The same as a race, for a while.
mkdir data/race
echo inside >data/race/secret
ln -s ../outside data/race.link
cat >swap.py <<'END'
import ctypes, os, time
libc = ctypes.CDLL(None)
until = time.monotonic() + 4
while time.monotonic() < until:
    libc.renameat2(-100, b"data/race", -100, b"data/race.link", 2)
END
cat >look.py <<'END'
# Opens as a program would that never follows links: what it finds is in the mount.
import os, sys, time
until = time.monotonic() + 4
n = 0
while time.monotonic() < until:
    try:
        folder = os.open("mnt/race", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        continue
    try:
        fd = os.open("secret", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        if os.read(fd, 100) == b"secret\n":
            sys.exit("the race was won: outside/secret was read")
        n += 1
        os.close(fd)
    except OSError:
        pass
    os.close(folder)
print(n, "times")
END
"$PY" swap.py &
swapper=$!
run 0 "$PY" look.py
wait $swapper

# The records.
[ -z "$(find mnt -maxdepth 1 -name '.bmap-trace*')" ] || fail "the records' folder is listed"
[ -d data/.bmap-trace ] || fail "there is no records' folder"
for call in 'stat mnt/.bmap-trace' 'ls mnt/.bmap-trace' 'cat mnt/.bmap-trace/x' 'mkdir mnt/.bmap-trace' 'rmdir mnt/.bmap-trace' \
	'mkdir mnt/.bmap-trace/x' 'ln -s x mnt/.bmap-trace' 'mv mnt/.bmap-trace mnt/x' 'mv -T mnt/race mnt/.bmap-trace' \
	'ln mnt/other mnt/.bmap-trace' 'rm -r mnt/.bmap-trace' 'dd of=mnt/.bmap-trace if=/dev/zero count=1'; do
	# shellcheck disable=SC2086 # words are meant
	timeout 10 $call >/dev/null 2>&1 && fail "$call"
done
[ -d data/.bmap-trace ] || fail "the records' folder is gone"
# In another folder the name is a name as any.
mkdir mnt/d/.bmap-trace || fail "no folder of that name below"
is_alive
unmount mnt
