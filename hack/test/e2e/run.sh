#!/usr/bin/env bash
# Runs the tests of this folder on a cluster.
#
#   hack/test/e2e/run.sh       on a cluster of its own (hack/cluster, as root), which it always removes
#   hack/test/e2e/run.sh FILE  on the cluster of that kubeconfig: only the tests for any cluster. For a
#                              while the cluster has 50 labs, and limits on its agents. Its nodes must have
#                              the images of bin/images (kind load image-archive), unless NETLAB_REGISTRY
#                              is the registry to pull them from.
#
# STORY              only the tests whose names match this regular expression
# NODES              how many nodes the cluster of its own has (3)
# NETLAB_E2E_LONG=1  outages and quiet periods as long as in production
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

version=${VERSION:-dev}
arch=$(go env GOARCH)
built=bin/e2e

build() { # build TAGS
	mkdir -p $built
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$version" -o bin/ ./cmd/kubectl-netlab
	CGO_ENABLED=0 go build -trimpath -o $built/stream ./hack/test/e2e/stream
	go test -c -tags "$1" -o $built/stories ./hack/test/e2e
	go run -C hack/package/release . -version "$version" -registry "${NETLAB_REGISTRY:-}" -out ../../../$built install
}

# The two agents differ only in their version, so their images differ.
images() {
	go run -C hack/package/image . -arch "$arch" -version "$version" -out ../../../$built/images
	go run -C hack/package/image . -arch "$arch" -version "$version-next" -images agent -out ../../../$built/next
	export NETLAB_E2E_UPGRADE=netlab-agent:$version-next NETLAB_E2E_TOOLBOX=netlab-toolbox:$version
}

# The time limit is for a test that hangs: it must not keep the cluster. Tests that run in parallel
# mostly wait.
stories() { # stories COMMAND...
	(cd hack/test/e2e && "$@" ../../../$built/stories -test.v -test.parallel 4 -test.timeout 60m -test.run "${STORY:-.}")
}

if [ $# -gt 0 ]; then
	build e2e
	stories env KUBECONFIG="$(realpath "$1")"
	exit
fi

build e2e,nodes
images
cluster=$PWD/bin/cluster
go build -o "$cluster" ./hack/cluster
trap '"$cluster" down' EXIT
"$cluster" up --nodes "${NODES:-3}" --pause "$built/images/netlab-pause-$arch.tar"
"$cluster" load $built/images/*.tar
# A node keeps an image's file by its name.
mv "$built/next/netlab-agent-$arch.tar" $built/next/agent-next.tar
"$cluster" load $built/next/agent-next.tar
stories "$cluster" run --
