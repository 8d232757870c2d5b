#!/usr/bin/env bash
# Builds the Kubernetes programs that the tests run against.
#
#   build.sh [DIR [TOOL...]]
#
# DIR defaults to ${XDG_CACHE_HOME:-$HOME/.cache}/netlab/assets; the tools, to
# what envtest needs. The last and only line on stdout is the directory to give
# to KUBEBUILDER_ASSETS; everything else goes to stderr.
#
# Sources come through the Go module proxy and are pinned by the go.sum files
# next to this script: no binary is downloaded. The directory's name contains a
# hash of everything that decides what is built, so a tool that is there is the
# right one. The first build takes minutes, every later one nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/netlab/assets}
tools=("${@:2}")
[ ${#tools[@]} -gt 0 ] || tools=(etcd kube-apiserver kubectl)

# What a caller has set for the product must not change what is built here.
export GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0

say() { printf 'assets: %s\n' "$*" >&2; }

# source_of TOOL: the module directory and the main package.
source_of() {
  case $1 in
  etcd) echo etcd go.etcd.io/etcd/server/v3 ;;
  kube-apiserver | kube-controller-manager | kube-scheduler | kubectl | kubelet)
    echo kubernetes "k8s.io/kubernetes/cmd/$1" ;;
  *) say "unknown tool $1 (known: etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kubelet)"; return 2 ;;
  esac
}

# progress TOOL: turns the package names of `go build -v` into a line now and
# then; whatever else the compiler says is passed on.
progress() {
  local line packages=0 next=20
  while IFS= read -r line; do
    case $line in
    "go: downloading "*) continue ;;
    *" "*) printf '%s\n' "$line" >&2 ;;
    *) packages=$((packages + 1)) ;;
    esac
    if [ $((SECONDS - start)) -ge "$next" ]; then
      say "$1: $packages packages compiled, $((SECONDS - start)) s"
      next=$((next + 20))
    fi
  done
}

# build TOOL: compiles to a temporary name first, so that an interrupted build
# never leaves half a program under the real one.
build() {
  local tool=$1 source module package start=$SECONDS
  if [ -x "$dir/$tool" ]; then return; fi
  source=$(source_of "$tool")
  read -r module package <<<"$source"
  say "$tool: building"
  # Without gitVersion the programs fail to parse their own version at start.
  go build -C "$here/$module" -v -trimpath \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" \
    -o "$dir/.$tool.tmp" "$package" 2>&1 | progress "$tool"
  mv "$dir/.$tool.tmp" "$dir/$tool"
  say "$tool: built in $((SECONDS - start)) s"
}

for tool in "${tools[@]}"; do source_of "$tool" >/dev/null; done

version=$(cd "$here/kubernetes" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
key=$({ go env GOOS GOARCH; cat "$here"/{build.sh,etcd/go.mod,etcd/go.sum,kubernetes/go.mod,kubernetes/go.sum}; } |
  sha256sum | cut -c1-12)
dir=$root/$version-$key
mkdir -p "$dir"

# Two test runs that start together build once.
exec 9>"$dir/.lock"
flock -n 9 || { say "another build is running, waiting for it"; flock 9; }
for tool in "${tools[@]}"; do build "$tool"; done
say "ready in $dir"
echo "$dir"
