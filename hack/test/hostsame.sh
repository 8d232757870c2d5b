#!/usr/bin/env bash
# Runs a command and fails if it changes this machine's own network:
#
#   hack/test/hostsame.sh make test
#
# It compares links, addresses, routes and rules of all tables, qdiscs, permanent neighbours, all net.*
# settings, and the contents of /run/netns and /run/netlab. It leaves out what changes by itself: packet
# counters, the lifetimes that routers announce, neighbours that the kernel learns and forgets, and
# counts of connections. A local lab of yours must not change either.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # ip and sysctl are there, and often not in the PATH of users

[ $# -gt 0 ] || { echo 'usage: hack/test/hostsame.sh COMMAND…' >&2; exit 2; }

part() { # part NAME COMMAND... prints the command's output, and its exit code if it fails, under a name
  echo "== $1"
  "${@:2}" 2>&1 || echo "exit code $?"
}

# shellcheck disable=SC2317 # called through part
entries() { # entries DIRECTORY lists names, kinds, targets of links and inodes of mounts
  [ -d "$1" ] || { echo 'not there'; return; }
  find "$1" -mindepth 1 -printf '%P %y %l ' -exec stat -L -c '%d:%i' {} \; 2>&1 | LC_ALL=C sort
}

# shellcheck disable=SC2317 # called through part
settings() {
  sysctl -a 2>/dev/null | grep -E '^net\.' | grep -v '\.nf_conntrack_count ' | LC_ALL=C sort
}

snapshot() {
  part links ip -d -o link show
  part addresses ip -o address show
  part 'IPv4 routes' ip -4 route show table all
  part 'IPv6 routes' ip -6 route show table all
  part 'IPv4 rules' ip -4 rule show
  part 'IPv6 rules' ip -6 rule show
  part 'qdiscs' tc qdisc show
  part 'permanent neighbours' ip neighbour show nud permanent
  part 'network namespaces' entries /run/netns
  part 'labs' entries /run/netlab
  part 'settings' settings
}

# Lifetimes count down, and expire.
timeless() { sed -E 's/(valid|preferred)_lft [0-9]+sec/\1_lft …/g; s/ expires [0-9]+sec//'; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
snapshot | timeless >"$work/before"
result=0
"$@" || result=$?
snapshot | timeless >"$work/after"
if ! diff -u "$work/before" "$work/after" >"$work/diff"; then
  echo "hostsame: this machine's network was changed (- before, + after):" >&2
  cat "$work/diff" >&2
  exit 1
fi
echo "hostsame: this machine's network is unchanged ($(wc -l <"$work/before") lines compared)"
exit $result
