#!/usr/bin/env bash
# Builds the benchmark and runs it with the given flags: `make bench`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
PATH=$PATH:/usr/sbin:/sbin # ip and sysctl are there, and often not in the PATH of users
NETLAB_MININET=$(hack/bench/labs/deps.sh)
export NETLAB_MININET
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
CGO_ENABLED=0 go build -o "$program/bench" ./hack/bench/labs
CGO_ENABLED=0 go build -tags agent -o "$program/bench-agent" ./hack/bench/labs
"$program/bench" "$@"
