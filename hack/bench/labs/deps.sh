#!/usr/bin/env bash
# Checks for the tools that make bench compares NetLab with, and prints the directory of Mininet. Its
# package is unpacked into a cache and not installed, so none of its services run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../need.sh"

need iproute2 ip
need procps sysctl
need iputils-ping ping
need strace strace
need python3 python3
install_missing

root=${XDG_CACHE_HOME:-$HOME/.cache}/netlab/mininet
if [ ! -e "$root/complete" ]; then
  echo 'bench: fetching Mininet' >&2
  rm -rf "$root" && mkdir -p "$root/packages"
  # Mininet sets addresses with ifconfig and makes bridges with brctl.
  (cd "$root/packages" && apt-get download -qq mininet net-tools bridge-utils >/dev/null 2>&1)
  for package in "$root"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
  touch "$root/complete"
fi
echo "$root"
