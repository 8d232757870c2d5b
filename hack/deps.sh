#!/usr/bin/env bash
# Checks for the programs that the tests use (see need.sh). `deps.sh demo` checks for those of the
# demo, `deps.sh race` adds those of the race detector, `deps.sh images` those of the image for tests.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/need.sh"

need iproute2 ip
if [ "${1:-}" != demo ]; then
  need procps sysctl ps
  need iputils-ping ping
  need iptables iptables-legacy
  need nftables nft
  need strace strace
  need util-linux unshare nsenter flock findmnt
  need mount mount umount
  need diffutils diff
fi
case ${1:-} in
race) need gcc gcc ;;
images) need busybox-static busybox ;;
esac
install_missing
