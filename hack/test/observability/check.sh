#!/usr/bin/env bash
# Checks config/prometheus: alert rules, dashboard, and the objects of Prometheus Operator.
#
# The first run compiles Prometheus's promtool, which takes minutes on 2 cores; later runs take seconds.
# promtool is compiled without service discovery in clouds, which would double that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export GOWORK=off CGO_ENABLED=0 GOFLAGS=-tags=remove_all_sd
PROMTOOL=$(go tool -n promtool)
export PROMTOOL
[ -x "$PROMTOOL" ] || { echo "observability: promtool was not built" >&2; exit 1; }
go test -count=1 "$@" .
