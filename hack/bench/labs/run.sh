#!/usr/bin/env bash
# Builds the bench and runs it with the flags given: `make bench`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
PATH=$PATH:/usr/sbin:/sbin # where ip and sysctl are, and users often do not look
NETLAB_MININET=$(hack/bench/labs/deps.sh)
export NETLAB_MININET
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
CGO_ENABLED=0 go build -o "$program/bench" ./hack/bench/labs
"$program/bench" "$@"
