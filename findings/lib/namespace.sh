# shellcheck shell=bash
# Sourced first by every finding. Prints the finding's claim, which is the comment at its top, and moves the
# script into namespaces that end with it. Exit codes: 0 as described, 1 changed, 77 cannot be shown here.
set -euo pipefail
export LC_ALL=C PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"

cannot() {
	echo "cannot be shown on this kernel: $*"
	exit 77
}

# needs PROGRAM:PACKAGE... prints the version of each Debian package.
needs() {
	local need
	[ -n "${FINDING_INSIDE-}" ] || echo "Here:     Linux $(uname -r)"
	for need; do
		command -v "${need%%:*}" >/dev/null || { echo "cannot be shown here: no ${need%%:*}, Debian package ${need#*:}"; exit 77; }
		[ -n "${FINDING_INSIDE-}" ] || dpkg-query -W -f '          ${Package} ${Version}\n' "${need#*:}" 2>/dev/null || true
	done
}

# go_program MODULE@VERSION... builds the program on standard input as $FINDING_DIR/program, with the user's caches if there
# can be any.
go_program() {
	if [ -n "${FINDING_INSIDE-}" ]; then return; fi
	printf '          %s\n' "$(go version)" "$@"
	cat >"$FINDING_DIR/main.go"
	mkdir -p "$(go env GOMODCACHE)" "$(go env GOCACHE)" 2>/dev/null || true
	if ! [ -w "$(go env GOMODCACHE)" ] || ! [ -w "$(go env GOCACHE)" ]; then
		export GOPATH=$FINDING_DIR/go GOCACHE=$FINDING_DIR/cache
	fi
	(
		cd "$FINDING_DIR"
		export GOWORK=off GOFLAGS=-modcacherw CGO_ENABLED=0
		{ go mod init finding && go get "$@" && go build -o program .; } >build.log 2>&1 || { cat build.log >&2; exit 1; }
	)
}

# enter runs the script once more, in network, mount and process namespaces of its own with an empty /run. An
# ordinary user gets a user namespace, too.
enter() {
	if [ -n "${FINDING_INSIDE-}" ]; then
		mount -t tmpfs tmpfs /run
		ip link set dev lo up
		echo
		return
	fi
	local flags=(--net --mount --pid --fork --kill-child)
	unshare "${flags[@]}" true 2>/dev/null || flags+=(--user --map-root-user)
	unshare "${flags[@]}" true || cannot "no namespaces for this user"
	local code=0
	FINDING_INSIDE=yes unshare "${flags[@]}" bash "$0" || code=$?
	exit "$code"
}

# expect WHAT SEEN WANT prints what is seen, and fails if that has changed.
expect() {
	printf '%s: %s\n' "$1" "$2"
	[ "$2" = "$3" ] || { echo "CHANGED: not \"$3\" any more"; exit 1; }
}

# soon COMMAND... repeats a command for at most ten seconds, until it succeeds.
soon() {
	for _ in {1..100}; do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	echo "not within ten seconds: $*"
	exit 1
}

if [ -z "${FINDING_INSIDE-}" ]; then
	FINDING_DIR=$(mktemp -d)
	export FINDING_DIR
	trap 'chmod -R u+w "$FINDING_DIR"; rm -rf "$FINDING_DIR"' EXIT
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
fi
