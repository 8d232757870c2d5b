#!/usr/bin/env bash
# Makes sure that the programs the tests use are there (see need.sh). `deps.sh demo` is what the
# demo needs, `deps.sh race` adds what the race detector does, `deps.sh images` the image for tests.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/need.sh"

need iproute2 ip
if [ "${1:-}" != demo ]; then
  need procps sysctl ps
  need iputils-ping ping
  need iptables iptables-legacy
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
