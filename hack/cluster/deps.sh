#!/usr/bin/env bash
# Checks for the programs that hack/cluster calls (see ../need.sh).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../need.sh"

need iproute2 ip
need util-linux unshare nsenter setpriv
need mount mount
need containerd containerd containerd-shim-runc-v2 ctr
need runc runc

plugins() { # plugins DIR: whether the CNI plugins are in it
  local plugin
  for plugin in host-local loopback ptp; do [ -x "$1/$plugin" ] || return 1; done
}
plugins /usr/lib/cni || plugins /opt/cni/bin || plugins /usr/libexec/cni || plugins /usr/lib/cni-plugins ||
  missing+=(containernetworking-plugins)

# The packages' own daemons stay off: every node starts a containerd of its own. A policy that is
# there already is the machine's business.
policy=/usr/sbin/policy-rc.d
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" -eq 0 ] && [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
install_missing
