# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the copy_, source_, codec_, archive_ and fault_ tests share, on top of
# common.sh.

# Debian's own Python: it is the one that has Debian's modules.
PY=/usr/bin/python3
[ -x "$PY" ] || PY=python3

# make_map IMAGE [MAP]: its map by Python's bmaptool (ours, where that is not
# installed), at IMAGE.bmap unless MAP is given.
make_map() {
	local tool=$PYTHON_BMAPTOOL
	[ -x "$tool" ] || tool=$BMAPTOOL
	"$tool" -q create -o "${2:-$1.bmap}" "$1" 2>map.stderr || fail "map of $1: $(cat map.stderr)"
}

# fix_checksum MAP: puts the right BmapFileChecksum into an edited map.
fix_checksum() {
	"$PY" - "$1" <<-'END'
	import hashlib, re, sys
	text = open(sys.argv[1], "rb").read()
	old = re.search(rb"<BmapFileChecksum>\s*([0-9a-fA-F]*)", text).group(1)
	zeros = text.replace(old, b"0" * 64, 1)
	new = hashlib.sha256(zeros).hexdigest().encode()
	open(sys.argv[1], "wb").write(zeros.replace(b"0" * 64, new, 1))
	END
}

# extents FILE: its data ranges as "FROM-TO" bytes, one a line.
extents() {
	sync "$1"
	"$PY" - "$1" <<-'END'
	import os, sys
	fd = os.open(sys.argv[1], os.O_RDONLY)
	size = os.fstat(fd).st_size
	at = 0
	while at < size:
	    try:
	        first = os.lseek(fd, at, os.SEEK_DATA)
	    except OSError:
	        break
	    at = os.lseek(fd, first, os.SEEK_HOLE)
	    print("%d-%d" % (first, at))
	END
}
same_extents() {
	[ "$(extents "$1")" = "$(extents "$2")" ] ||
		fail "holes differ: $1: $(extents "$1" | tr '\n' ' ') $2: $(extents "$2" | tr '\n' ' ')"
}

has_codec() { case " ${BMAP_FEATURES:-zstd bzip2 lz4 lzo isal} " in *" $1 "*) return 0 ;; esac; return 1; }
# codecs: those of this build that can be made here, by their tools' names.
codecs() {
	local tool codec
	for tool in gzip xz zstd bzip2 lz4 lzop; do
		codec=$tool; [ "$tool" != lzop ] || codec=lzo
		case $tool in gzip | xz) ;; *) has_codec "$codec" || continue ;; esac
		! command -v "$tool" >/dev/null || echo "$tool"
	done
}
suffix_of() {
	case $1 in
	gzip | pigz) echo gz ;; xz | xz-blocks) echo xz ;; zstd | zstd-frames) echo zst ;;
	bzip2 | pbzip2) echo bz2 ;; lz4 | lz4-frames | lz4-linked) echo lz4 ;; lzop) echo lzo ;;
	esac
}
# compress HOW IN OUT: HOW is a tool, or xz-blocks, zstd-frames, lz4-frames
# (pieces of 256 KiB), lz4-linked.
compress() {
	case $1 in
	gzip) gzip -1nc "$2" >"$3" ;;
	pigz) pigz -1 -p 2 -b 128 -c "$2" >"$3" ;;
	xz) xz -0 -T1 -c "$2" >"$3" ;;
	xz-blocks) xz -0 -T2 --block-size=262144 -c "$2" >"$3" ;;
	zstd) zstd -q -1 -c "$2" >"$3" ;;
	bzip2) bzip2 -1 -c "$2" >"$3" ;;
	pbzip2) pbzip2 -q -1 -b2 -p2 -c "$2" >"$3" ;;
	lz4) lz4 -q -1 -c "$2" >"$3" ;;
	lz4-linked) lz4 -q -1 -BD -B4 -c "$2" >"$3" ;;
	lzop) lzop -1 -c "$2" >"$3" ;;
	zstd-frames) split -b 262144 --filter='zstd -q -1 -c' "$2" >"$3" ;;
	lz4-frames) split -b 262144 --filter='lz4 -q -1 -c' "$2" >"$3" ;;
	*) fail "compress $1" ;;
	esac || fail "$1 of $2"
}

# a_disk FILE [SIZE_MIB]: an image as disks are: text, noise, zeros that are
# mapped, holes.  The same bytes each time.
a_disk() {
	"$PY" - "$1" "${2:-4}" <<-'END'
	import random, sys
	random.seed(7)
	mib = 1 << 20
	size = int(sys.argv[2]) * mib
	with open(sys.argv[1], "wb") as f:
	    f.truncate(size)
	    for at in range(0, size, mib):
	        f.seek(at)
	        f.write(random.randbytes(200 << 10))
	        f.write((b"line %d of the file\n" % at) * 5000)
	        f.seek(at + 700 * 1024)
	        f.write(bytes(64 << 10))
	        f.write(random.randbytes(20 << 10))
	END
	sync "$1"
}

# wait_for SECONDS COMMAND...: until COMMAND holds.
wait_for() {
	local i n=$(($1 * 20)); shift
	for ((i = 0; i < n; i++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	return 1
}
# wait_exit SECONDS PID: until it has ended; its status goes into $ENDED.
wait_exit() {
	if ! wait_for "$1" _gone "$2"; then kill -9 "$2"; wait "$2"; ENDED=timeout; return 1; fi
	wait "$2"; ENDED=$?
}
# shellcheck disable=SC2317 # called by wait_exit
_gone() { [ ! -d "/proc/$1" ] || grep -qs '^State:.Z' "/proc/$1/status"; }

# start_server [--single] [--http10] FOLDER: faulty_server.py; sets $PORT, $URL
# and $LOG.  How it misbehaves: rules, below.
start_server() {
	LOG=$WORK/server.log
	rm -f "$WORK/server.port"
	: >"$LOG"; : >"$WORK/server.rules"
	"$PY" "$TOOLS/faulty_server.py" --port-file "$WORK/server.port" --log "$LOG" \
		--rules "$WORK/server.rules" "$@" 2>server.stderr &
	at_exit "kill $!; wait $!"
	wait_for 10 [ -e "$WORK/server.port" ] || fail "faulty_server.py: $(cat server.stderr)"
	PORT=$(cat "$WORK/server.port")
	URL=http://127.0.0.1:$PORT
}
# rules LINE...: the server's rules from now on (see faulty_server.py).  The
# log starts anew.
rules() { printf '%s\n' "$@" >"$WORK/server.rules"; : >"$LOG"; }
# n_requests PATH [METHOD]: how many there were for exactly this target.
n_requests() { awk -v p="$1" -v m="${2:-}" '$1 != "SENT" && $2 == p && (m == "" || $1 == m)' "$LOG" | wc -l; }
# requests PATH TEXT: their log lines that hold TEXT.
requests() { awk -v p="$1" '$1 != "SENT" && $2 == p' "$LOG" | grep -F -- "$2"; }
show_log() { sed 's/^/  server: /' "$LOG" >&2; }
failed() { show_log; fail "$@"; }

# Sanitizers multiply memory: limits on it are not looked at there.
sanitized() {
	local program=$BMAPTOOL
	[ -n "${BMAP_SANITIZE:-}" ] && return 0
	[ -x "${program%/*}/.libs/${program##*/}" ] && program=${program%/*}/.libs/${program##*/}
	grep -asqE '__(asan|tsan)_init' "$program"
}
# run_small STATUS MAX_MIB COMMAND...: run, and its peak memory is at most that.
run_small() {
	local status=$1 max=$2 peak; shift 2
	run "$status" "$PY" -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10))
sys.exit(status if status >= 0 else 128 - status)' peak "$@"
	peak=$(cat peak)
	sanitized || [ "$peak" -le "$max" ] || fail "took $peak MiB of memory, not $max: $*"
}

# start_sshd: a real sshd on a free port that lets this user in by the key in
# $HOME/.ssh; sets $SSH_PORT and puts a `ssh` first into PATH that uses that key
# and known_hosts (ssh itself does not look at $HOME), noting its arguments in
# the file ssh.arguments.
start_sshd() {
	local program
	program=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || skip "needs sshd"
	requires_command ssh ssh-keygen
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	mkdir -m 700 sshd bin "$HOME/.ssh"
	SSH_PORT=$("$PY" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	ssh-keygen -q -t ed25519 -N '' -f sshd/host
	ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/id_ed25519"
	ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f "$HOME/.ssh/id_rsa"
	cat "$HOME"/.ssh/*.pub >sshd/authorized
	echo "[127.0.0.1]:$SSH_PORT $(cut -d' ' -f1,2 sshd/host.pub)" >"$HOME/.ssh/known_hosts"
	cat >sshd/config <<-END
	Port $SSH_PORT
	ListenAddress 127.0.0.1
	HostKey $PWD/sshd/host
	AuthorizedKeysFile $PWD/sshd/authorized
	PidFile none
	StrictModes no
	UsePAM no
	PermitRootLogin yes
	PasswordAuthentication no
	PubkeyAcceptedAlgorithms +ssh-rsa
	Subsystem sftp internal-sftp
	END
	cat >bin/ssh <<-END
	#!/bin/sh
	printf '%s\n' "\$@" >>'$WORK/ssh.arguments'
	exec $(command -v ssh) -F '$WORK/sshd/client' "\$@"
	END
	chmod +x bin/ssh
	cat >sshd/client <<-END
	Host *
	BatchMode yes
	IdentityFile $HOME/.ssh/id_ed25519
	IdentitiesOnly yes
	UserKnownHostsFile $HOME/.ssh/known_hosts
	GlobalKnownHostsFile none
	ControlPath none
	END
	PATH=$WORK/bin:$PATH
	unset SSH_AUTH_SOCK
	"$program" -D -e -f "$PWD/sshd/config" 2>sshd/log &
	at_exit "kill $!; wait $!"
	wait_for 10 grep -q 'Server listening' sshd/log || skip "sshd does not start here: $(cat sshd/log)"
	ssh -p "$SSH_PORT" 127.0.0.1 true </dev/null 2>ssh.stderr || skip "sshd does not let $(id -un) in: $(tail -2 ssh.stderr)"
	: >ssh.arguments
}
