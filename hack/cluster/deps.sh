#!/usr/bin/env bash
# Makes sure that the programs hack/cluster calls are there. As root on Debian or Ubuntu what is
# missing is installed; anybody else is told what to install.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where ip and runc are, and users often do not look

missing=()
need() { # need PACKAGE PROGRAM...
  local package=$1 program
  for program in "${@:2}"; do
    if ! command -v "$program" >/dev/null; then
      missing+=("$package")
      return
    fi
  done
}
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

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "deps: the cluster needs these Debian packages, or what they are called here: ${missing[*]}" >&2
  exit 1
fi
echo "deps: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# The packages' own daemons stay off: every node starts a containerd of its own. A policy that is
# there already is the machine's business.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
