#!/usr/bin/env bash
# Tests the lint rules: they report what they forbid, and nothing else.
#
# testdata is the repository in miniature. A line that breaks a rule ends with
# `// want <linter>`. golangci-lint runs on it with the real configuration, and
# the two lists of places must be the same. (Otherwise a stray quote in a pattern
# could disable a rule unnoticed.)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
golangci=$(go tool -modfile=hack/tools/go.mod -n golangci-lint)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/testdata" "$work/repo"
cp go.mod go.sum .golangci.yml "$work/repo/"

# Every function of package netlink that is also a method of its Handle acts on
# the namespace of the calling thread. The list is taken from the version in use,
# so that an upgrade cannot bring in a function that no pattern covers.
functions() { go doc -short "$1" | sed -nE "s/^ *func $2([A-Z][A-Za-z0-9]*)\(.*/\1/p" | sort; }
netlink=github.com/vishvananda/netlink
comm -12 <(functions $netlink '') <(functions $netlink.Handle '\(h \*Handle\) ') >"$work/twins"
[ "$(wc -l <"$work/twins")" -gt 100 ] || { echo "lint-test: the list of netlink's functions is not complete" >&2; exit 1; }
{
  printf 'package kernel\n\nimport "%s"\n\nvar _ = []any{\n' $netlink
  sed 's|.*|\tnetlink.&, // want forbidigo|' "$work/twins"
  printf '}\n'
} | gofmt >"$work/repo/controllers/kernel/twins.go"

# An exit code of 1 means "there are findings", any other one a broken run.
cd "$work/repo"
status=0
"$golangci" run --allow-parallel-runners --show-stats=false --output.text.print-issued-lines=false \
  --output.text.colors=false >"$work/out" || status=$?
if [ $status -ne 1 ]; then
  cat "$work/out" >&2
  echo "lint-test: golangci-lint ended with $status, want 1" >&2
  exit 1
fi

grep -rnoE --include='*.go' '// want [a-z]+$' . | sed -E 's|^\./([^:]+:[0-9]+):// want|\1|' | sort >"$work/want"
sed -nE 's/^([^: ]+:[0-9]+):.* \(([a-z]+)\)$/\1 \2/p' "$work/out" | sort -u >"$work/have"
if ! diff -U0 --label 'must be reported' --label 'is reported' "$work/want" "$work/have" >"$work/diff"; then
  head -40 "$work/diff" >&2
  grep -F '(typecheck)' "$work/out" >&2 || true
  exit 1
fi
echo "lint-test: $(wc -l <"$work/want") forbidden lines reported, and nothing else"
