#!/usr/bin/env bash
# Runs every native fuzz target of the module for the time given (10s).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fuzztime=${1:-10s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# At the end of the fuzz time Go 1.26 may take its own deadline for a failure
# (https://go.dev/issue/75804). A finding always leaves an input behind.
deadline_only() {
  grep -qx '    context deadline exceeded' "$log" && ! grep -q 'Failing input written to' "$log"
}

fuzz() { # fuzz PACKAGE TARGET
  if go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzztime" "./$1" 2>&1 | tee "$log"; then return; fi
  deadline_only || return 1
  echo "fuzz: $2 found nothing; the FAIL above is go.dev/issue/75804"
}

files=$(grep -rlE --include='*_test.go' '^func Fuzz' api controllers cmd) ||
  { echo "fuzz: no fuzz target found" >&2; exit 1; }
count=0
for package in $(xargs dirname <<<"$files" | sort -u); do
  # -list ends with the usual "ok" line; grep keeps the names.
  targets=$(go test -list '^Fuzz' "./$package" | grep '^Fuzz')
  for target in $targets; do
    fuzz "$package" "$target"
    count=$((count + 1))
  done
done
echo "fuzz: $count targets, $fuzztime each"
