#!/usr/bin/env bash
# Makes sure that the programs the tests use are there. As root on Debian or
# Ubuntu what is missing is installed; anybody else is told what to install.
# `deps.sh race` adds what the race detector needs; `deps.sh demo` is what the demo needs.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # where ip and sysctl are, and users often do not look

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
if [ "${1:-}" != demo ]; then
need procps sysctl ps
need iputils-ping ping
need strace strace
need util-linux unshare nsenter flock
need mount mount umount
fi
if [ "${1:-}" = race ]; then need gcc gcc; fi

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "deps: the tests need these Debian packages, or what they are called here: ${missing[*]}" >&2
  exit 1
fi
echo "deps: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
