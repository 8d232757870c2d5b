#!/bin/sh
# Shows the tutorial's lab on this machine: its two failures with their diagnosis, then the
# lab that works. Usage: hack/demo/demo.sh [BINARY]
#
# Everything happens in private namespaces that end with this script, as root or not; what
# was on the machine before is compared with what is there afterwards.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
samples=$root/config/samples
netlab=$(command -v "${1:-$root/bin/kubectl-netlab}") || { echo "there is no ${1:-bin/kubectl-netlab}: make build" >&2; exit 1; }
case $netlab in /*) ;; *) netlab=$PWD/$netlab ;; esac

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
if [ ! -t 1 ] || [ -n "${NO_COLOR:-}" ]; then say() { printf '\n# %s\n' "$*"; }; fi

# show EXIT-CODE ARGUMENTS: runs the program and wants that exit code.
show() {
	want=$1 code=0
	shift
	printf '\n$ kubectl netlab %s\n' "$*" | sed "s|$root/||g; s| -- .*||"
	"$netlab" "$@" || code=$?
	[ $code -eq "$want" ] || { echo "exit code $code, expected $want" >&2; exit 3; }
}

# machine: what a lab could leave behind.
machine() {
	find /run/netlab /run/netns 2>/dev/null || true
	ip -o link show | cut -d ' ' -f 1-2
	cut -d ' ' -f 5 /proc/self/mountinfo
}

if [ "${2:-}" = inside ]; then
	show 0 --local explain routed-pair-no-routes ns1-ns2
	show 0 --local down routed-pair-no-routes

	say 'Stage 2: default routes are there, but the router does not forward.'
	show 1 --local up -f "$samples/tutorial-2-no-forwarding.yaml"
	show 0 --local explain routed-pair-no-forwarding ns1-ns2
	show 0 --local down routed-pair-no-forwarding

	say 'Stage 3: routes and forwarding are derived from the picture.'
	show 0 --local up -f "$samples/routed-pair.yaml"
	show 0 --local status routed-pair
	show 0 --local explain routed-pair ns1-ns2
	show 0 --local ping routed-pair ns1 ns2 -c 2

	say 'Remove it, and look for anything that is left.'
	show 0 --local down routed-pair
	[ -z "$(ip netns list)" ] && [ ! -e /run/netlab ] || { ip netns list; find /run/netlab; exit 3; }
	exit 0
fi

before=$(machine)
say 'Two hosts that can only meet through a router:'
sed -n '/ left /,/\.1 /s/^# \{0,1\}//p; /^apiVersion/,$p' "$samples/routed-pair.yaml"

say 'Stage 1: cables and addresses are there, routes are not.'
# up ends with 1: stage 1 is not Ready. What fails inside ends with 3.
show 1 --local up -f "$samples/tutorial-1-no-routes.yaml" -- "$0" "$netlab" inside

[ "$(machine)" = "$before" ] || { echo 'the machine is not as it was' >&2; exit 1; }
say 'Nothing is left: no namespace, no mount, no interface, no file.'
