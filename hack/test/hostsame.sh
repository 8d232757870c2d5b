#!/usr/bin/env bash
# Runs a command and fails if this machine's own network is not byte for byte what it was before:
#
#   hack/test/hostsame.sh make test
#
# Compared are links, addresses, routes and rules of all tables, queueing disciplines, neighbours that
# somebody made, all net.* settings, and what is in /run/netns and /run/netlab. Left out is what
# changes by itself: packet counters, the lifetimes that routers announce, neighbours that the kernel
# learns and forgets, and counts of connections. A lab of yours that is up must not change either.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where ip and sysctl are, and users often do not look

[ $# -gt 0 ] || { echo 'usage: hack/test/hostsame.sh COMMAND…' >&2; exit 2; }

part() { # part NAME COMMAND... prints what it says, under its name; what fails says so every time
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
  part 'queueing disciplines' tc qdisc show
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
echo "hostsame: $(wc -l <"$work/before") lines about this machine's network, and all are as before"
exit $result
