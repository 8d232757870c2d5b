#!/usr/bin/env bash
# Makes sure that what make bench compares NetLab with is there, and prints where Mininet is: its
# package is unpacked into a cache, not installed, and so nothing of it runs by itself.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where ip and sysctl are, and users often do not look

missing=()
need() { # need PACKAGE PROGRAM
  command -v "$2" >/dev/null || missing+=("$1")
}
need iproute2 ip
need procps sysctl
need strace strace
need python3 python3
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "bench: it needs these Debian packages, or what they are called here: ${missing[*]}" >&2
    exit 1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

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
