#!/usr/bin/env bash
# Makes sure that what virtual machines need is there: the emulator, the tools that unpack a
# kernel, and the programs that the tests call inside. As root on Debian or Ubuntu what is
# missing is installed; anybody else is told what to install.
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
need qemu-system-x86 qemu-system-x86_64
need dpkg dpkg-deb
need iproute2 ip tc bridge
need procps sysctl ps
need iputils-ping ping
need util-linux unshare nsenter flock
need mount mount umount

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "deps: the virtual machines need these Debian packages, or what they are called here: ${missing[*]}" >&2
  exit 1
fi
echo "deps: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
