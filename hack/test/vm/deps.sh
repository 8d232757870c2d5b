#!/usr/bin/env bash
# Makes sure that what virtual machines need is there: the emulator, the tools that unpack a
# kernel, and the programs that the tests call inside. As root on Debian or Ubuntu what is
# missing is installed; anybody else is told what to install.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../need.sh"

need qemu-system-x86 qemu-system-x86_64
need dpkg dpkg-deb
need iproute2 ip tc bridge
need procps sysctl ps
need iputils-ping ping
need util-linux unshare nsenter flock
need mount mount umount

install_missing
