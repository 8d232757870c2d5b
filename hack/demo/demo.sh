#!/bin/sh
# Runs the tutorial's lab on this machine: its two failures with their diagnosis, then the lab that
# works. Usage: hack/demo/demo.sh [BINARY]
#
# Everything is in private namespaces that end with this script, as root or not. At the end it
# compares the machine with its state before.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
samples=$root/config/samples
netlab=$(command -v "${1:-$root/bin/kubectl-netlab}") || { echo "${1:-bin/kubectl-netlab} does not exist: run make build" >&2; exit 1; }
case $netlab in /*) ;; *) netlab=$PWD/$netlab ;; esac

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
if [ ! -t 1 ] || [ -n "${NO_COLOR:-}" ]; then say() { printf '\n# %s\n' "$*"; }; fi

# show EXIT-CODE ARGUMENTS: runs the program and checks its exit code.
show() {
	want=$1 code=0
	shift
	printf '\n$ kubectl netlab %s\n' "$*" | sed "s|$root/||g; s| -- .*||"
	"$netlab" "$@" || code=$?
	[ $code -eq "$want" ] || { echo "exit code $code, expected $want" >&2; exit 3; }
}

# machine: prints what a lab could leave behind.
machine() {
	find /run/netlab /run/netns 2>/dev/null || true
	ip -o link show | cut -d ' ' -f 1-2
	cut -d ' ' -f 5 /proc/self/mountinfo
}

if [ "${2:-}" = inside ]; then
	show 0 --local explain routed-pair-no-routes ns1-ns2
	show 0 --local down routed-pair-no-routes

	say 'Stage 2: default routes exist, but the router does not forward.'
	show 1 --local up -f "$samples/tutorial-2-no-forwarding.yaml"
	show 0 --local explain routed-pair-no-forwarding ns1-ns2
	show 0 --local down routed-pair-no-forwarding

	say 'Stage 3: NetLab derives routes and forwarding.'
	show 0 --local up -f "$samples/routed-pair.yaml"
	show 0 --local status routed-pair
	show 0 --local explain routed-pair ns1-ns2
	show 0 --local ping routed-pair ns1 ns2 -c 2

	say 'Remove the lab, and look for anything that is left.'
	show 0 --local down routed-pair
	[ -z "$(ip netns list)" ] && [ ! -e /run/netlab ] || { ip netns list; find /run/netlab; exit 3; }
	exit 0
fi

before=$(machine)
say 'Two hosts, connected by a router:'
sed -n '/ left /,/\.1 /s/^# \{0,1\}//p; /^apiVersion/,$p' "$samples/routed-pair.yaml"

say 'Stage 1: links and addresses exist, routes do not.'
# up exits with 1, because stage 1 is not Ready; a failure inside exits with 3.
show 1 --local up -f "$samples/tutorial-1-no-routes.yaml" -- "$0" "$netlab" inside

[ "$(machine)" = "$before" ] || { echo 'the demo has changed the machine' >&2; exit 1; }
say 'Nothing is left: no namespace, no mount, no interface, no file.'
