#!/usr/bin/env bash
# Builds the benchmark and runs it in a sandbox with the given flags: `make bench-capture`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
PATH=$PATH:/usr/sbin:/sbin # ip and tcpdump are there, and often not in the PATH of users
for program in ip tcpdump; do
  command -v "$program" >/dev/null || { echo "bench-capture: needs $program" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -o "$work/kubectl-netlab" ./cmd/kubectl-netlab
CGO_ENABLED=0 go build -o "$work/bench" ./hack/bench/capture
"$work/bench" -program "$work/kubectl-netlab" "$@"
