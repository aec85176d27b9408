# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What every end-to-end test starts from: `. "${0%/*}/common.sh"`.
#
# A test runs in an empty folder of its own ($WORK, also the current folder),
# says what went wrong on stderr and leaves with 0 (passed), 1 (failed) or
# 77 (skipped, with the reason on stdout).  Whatever it started (servers, loop
# devices, mounts) is stopped by `at_exit` in the reverse order.

set -u
E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOOLS=$(cd "$E2E/../tools" && pwd)
BMAPTOOL=${BMAPTOOL:-bmaptool}
PYTHON_BMAPTOOL=${PYTHON_BMAPTOOL:-/usr/bin/bmaptool}
export LC_ALL=C.UTF-8 TZ=UTC
unset http_proxy https_proxy ftp_proxy all_proxy no_proxy NO_COLOR
WORK=$(mktemp -d "${TMPDIR:-/tmp}/bmap-e2e.XXXXXX")
cd "$WORK" || exit 99
export HOME="$WORK/home" GNUPGHOME="$WORK/gnupg"
mkdir -m 700 "$HOME" "$GNUPGHOME"

_cleanups=()
at_exit() { _cleanups+=("$*"); }
_finish() {
	local status=$? i
	for ((i = ${#_cleanups[@]} - 1; i >= 0; i--)); do
		eval "${_cleanups[i]}" >/dev/null 2>&1
	done
	cd / && rm -rf "$WORK"
	exit "$status"
}
trap _finish EXIT
trap 'exit 1' INT TERM HUP

fail() { echo "FAIL: $*" >&2; [ ! -s stderr ] || sed 's/^/  stderr: /' stderr >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }

requires_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }
requires_loop() { requires_root; [ -e /dev/loop-control ] || skip "needs loop devices"; }
requires_command() { local c; for c; do command -v "$c" >/dev/null || skip "needs $c"; done; }
# The codecs that this build has stand in `bmaptool --version`'s neighbour:
# configure's summary, exported by make check as BMAP_FEATURES ("zstd bzip2 ...").
requires_codec() {
	case " ${BMAP_FEATURES:-zstd bzip2 lz4 lzo isal} " in *" $1 "*) ;; *) skip "built without $1" ;; esac
}

# run STATUS COMMAND...: runs it with a time limit (RUN_TIMEOUT, 60 s), keeps
# its output in the files stdout and stderr, fails unless it left with STATUS.
run() {
	local want=$1 got; shift
	timeout -k 5 "${RUN_TIMEOUT:-60}" "$@" >stdout 2>stderr </dev/null
	got=$?
	[ "$got" = "$want" ] || fail "status $got, not $want: $*"
}
# The same with standard input from the file $1.
run_stdin() {
	local input=$1 want=$2 got; shift 2
	timeout -k 5 "${RUN_TIMEOUT:-60}" "$@" >stdout 2>stderr <"$input"
	got=$?
	[ "$got" = "$want" ] || fail "status $got, not $want: $*"
}
# says TEXT: the last run's stderr holds TEXT (a fixed string).
says() { grep -qF -- "$1" stderr || fail "stderr does not say: $1"; }
says_not() { ! grep -qF -- "$1" stderr || fail "stderr says: $1"; }
says_re() { grep -qE -- "$1" stderr || fail "stderr does not match: $1"; }
# A failure is one clear sentence: no traceback, no assertion, no sanitizer.
no_crash() {
	! grep -qE 'Traceback|Assertion|AddressSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|core dumped' stderr \
		|| fail "crashed"
}
silent_stdout() { [ ! -s stdout ] || fail "stdout is not empty"; }
same() { cmp "$1" "$2" >&2 || fail "$1 and $2 differ"; }

# make_image FILE SIZE [FIRST:COUNT ...]: sparse FILE of SIZE bytes, random
# data in COUNT blocks of 4096 bytes from block FIRST.
make_image() {
	local file=$1 size=$2 r; shift 2
	rm -f "$file"; truncate -s "$size" "$file"
	for r; do
		dd if=/dev/urandom of="$file" bs=4096 seek="${r%%:*}" count="${r##*:}" conv=notrunc status=none
	done
	truncate -s "$size" "$file"
	sync "$file"
}

# loop_device NAME SIZE [losetup options]: a loop device over a new file NAME
# of SIZE bytes filled with 0xAA; its path goes into $LOOP.
loop_device() {
	local file=$1 size=$2; shift 2
	requires_loop
	head -c "$size" /dev/zero | tr '\0' '\252' >"$file"
	LOOP=$(losetup --show -f "$@" "$file") || fail "losetup"
	at_exit "losetup -d $LOOP"
}

# start_nginx FOLDER: serves FOLDER on a free port of 127.0.0.1; $URL.
start_nginx() {
	local folder=$1 i
	requires_command nginx
	PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	mkdir -p nginx; chmod 755 "$WORK" "$folder"
	cat >nginx/nginx.conf <<-EOF
	daemon off; pid $WORK/nginx/pid; error_log $WORK/nginx/error.log; worker_processes 1;
	$([ "$(id -u)" != 0 ] || echo 'user root;')
	events { worker_connections 64; }
	http {
		access_log $WORK/nginx/access.log; types { } default_type application/octet-stream;
		client_body_temp_path $WORK/nginx/b; proxy_temp_path $WORK/nginx/p;
		fastcgi_temp_path $WORK/nginx/f; uwsgi_temp_path $WORK/nginx/u; scgi_temp_path $WORK/nginx/s;
		server { listen 127.0.0.1:$PORT; root $(realpath "$folder"); ${NGINX_EXTRA:-} }
	}
	EOF
	nginx -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf" 2>nginx/stderr &
	at_exit "kill $!; wait $!"
	URL=http://127.0.0.1:$PORT
	for ((i = 0; i < 100; i++)); do
		if [ -s nginx/access.log ]; then
			: >nginx/access.log # it knows only what the test asks for
			return
		fi
		curl -s -o /dev/null "$URL/" || sleep 0.05
	done
	fail "nginx does not answer: $(cat nginx/stderr)"
}

# --- maps and keys, for create_*, map_*, sign_*, target_* ---------------------

DATA=$(cd "$E2E/../data" && pwd)
check_map() { python3 "$DATA/check-map.py" "$@" || fail "check-map $*"; }

# refuses_map MAP [REGEX]: copying maps/image with MAP leaves with 1 and one
# sentence that names MAP and matches REGEX, and touches no destination.
refuses_map() {
	local map=$1 regex=${2:-} name=${1##*/}
	echo "precious" >keep
	run 1 "$BMAPTOOL" copy --bmap "$map" maps/image keep
	no_crash
	silent_stdout
	[ "$(grep -c 'ERROR' stderr)" = 1 ] || fail "$name: not one ERROR line"
	says_re "^bmaptool: ERROR: .*$name"
	[ -z "$regex" ] || says_re "$regex"
	[ "$(cat keep)" = precious ] || fail "$name: the destination was touched"
}
# The same for every map in maps/expected whose name matches the pattern $1.
refuses_maps() {
	local pattern=$1 name regex n=0
	while IFS=$'\t' read -r name regex; do
		# shellcheck disable=SC2254 # a pattern is meant
		case $name in $pattern) refuses_map "maps/$name" "$regex"; n=$((n + 1)) ;; esac
	done <maps/expected
	[ "$n" -gt 0 ] || fail "no map matches $pattern"
}

# make_key NAME [gpg options]: an ed25519 key that never expires, without a
# passphrase, in $GNUPGHOME; its fingerprint goes into $KEY.
make_key() {
	local name=$1; shift
	requires_command gpg gpgconf
	at_exit "GNUPGHOME=$GNUPGHOME gpgconf --kill all"
	gpg --batch --quiet --passphrase '' "$@" --quick-gen-key "$name" ed25519 sign never 2>gpg.log \
		|| fail "gpg: $(cat gpg.log)"
	KEY=$(gpg --batch --with-colons --list-keys "=$name" 2>/dev/null | awk -F: '/^fpr/ { print $10; exit }')
	[ -n "$KEY" ] || fail "no key $name"
}
# sign KEY gpg-options...: gpg without questions, as KEY.
sign() {
	local key=$1; shift
	gpg --batch --quiet --yes --passphrase '' -u "$key" "$@" 2>gpg.log || fail "gpg: $(cat gpg.log)"
}
