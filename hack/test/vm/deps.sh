#!/usr/bin/env bash
# Checks for what virtual machines need: QEMU, the tools that unpack a kernel, and the programs that
# the tests call inside. As root on Debian or Ubuntu it installs what is missing; otherwise it prints
# what to install.
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
