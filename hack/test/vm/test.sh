#!/usr/bin/env bash
# Runs tests on a full kernel, because this machine's own may lack features: make test-vm.
#
#   test.sh [PART...]     of: kernel tunnels gallery impaired random mutants faults measured lacking; without any, all of them
#
# NETLAB_PARITY_WALKS is how many random walks compare the kernel with the fake one (30),
# NETLAB_RANDOM_LABS how many random labs are built (50), NETLAB_FAULTS how many are broken (20), NETLAB_MUTANTS
# how many labs have odd values (150).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
hack/test/vm/deps.sh

bin=bin/vm
mkdir -p $bin
export CGO_ENABLED=0
go build -o $bin/vm ./hack/test/vm

# vm FLAG... -- COMMAND...: the programs of bin/vm are in its PATH.
vm() { $bin/vm -env PATH=/src/$bin:/usr/bin -env NETLAB_TEST_APART=no "$@"; }

# Switches, VLANs and impairments: drift, edits in place, and the fake compared with the kernel.
kernel() {
  go test -c -tags fullkernel -o $bin/kernel.test ./controllers/kernel
  vm -timeout 15m -file $bin/kernel.test -file controllers/kernel/testdata -dir controllers/kernel -env NETLAB_PARITY_WALKS="${NETLAB_PARITY_WALKS:-30}" -- \
    kernel.test -test.timeout 15m -test.run 'VLAN|Impairment|EditLosesNothing|SameByHand|FakeAndKernelAgree|EverySetting|FewFiles'
}

# The kernel's own tunnels in every namespace, where their modules are loaded.
tunnels() {
  go test -c -tags fullkernel -o $bin/kernel.test ./controllers/kernel
  local modules=()
  for module in sit ip_gre ipip ip6_tunnel ip6_gre ip_vti ip6_vti; do modules+=(-with $module); done
  vm "${modules[@]}" -file $bin/kernel.test -dir controllers/kernel -- kernel.test -test.run TunnelsThatSomebodyMade
}

# Random labs: the pairs that should reach each other do.
random() {
  go test -c -tags fullkernel -o $bin/kernel.test ./controllers/kernel
  vm -memory 2048 -file $bin/kernel.test -file controllers/kernel/testdata -dir controllers/kernel -env NETLAB_RANDOM_LABS="${NETLAB_RANDOM_LABS:-50}" -- \
    kernel.test -test.v -test.run TestInRandomLabs | grep -v '^=== '
}

# Random labs with VLANs and impairments, broken: the diagnosis names the fault, and its fixes work.
faults() {
  go test -c -o $bin/faults.test ./hack/test/faults
  vm -memory 2048 -timeout 15m -file $bin/faults.test -dir hack/test/faults -env NETLAB_FAULTS="${NETLAB_FAULTS:-20}" -- \
    faults.test -test.v -test.timeout 15m -test.run TestFaultsAreNamed | grep -v '^=== '
}

# Labs with odd values, VLANs and impairments among them: those that lint accepts are realized.
mutants() {
  go test -c -tags fullkernel -o $bin/kernel.test ./controllers/kernel
  vm -memory 2048 -timeout 30m -file $bin/kernel.test -file config/samples -file controllers/lab/testdata -dir controllers/kernel -env NETLAB_MUTANTS="${NETLAB_MUTANTS:-150}" -- \
    kernel.test -test.v -test.timeout 30m -test.run 'TestEveryMutant|TestEveryScenario' | grep -v '^=== '
}

# Every sample, and every example of a reason, that needs a kernel feature.
gallery() {
  go test -c -tags fullkernel -o $bin/kubectl-netlab.test ./cmd/kubectl-netlab
  vm -memory 2048 -file $bin/kubectl-netlab.test -file config/samples -file cmd/kubectl-netlab/testdata/script/samples.txtar -file cmd/kubectl-netlab/testdata/script/reason.txtar \
    -file cmd/kubectl-netlab/internal/tour \
    -dir cmd/kubectl-netlab -- kubectl-netlab.test -test.run '^(TestStories|TestTourPage)$/^(samples|reason)$'
}

# Impairments as causes, and the fixes of them.
impaired() {
  go test -c -o $bin/broken.test ./cmd/kubectl-netlab/internal/local/broken
  vm -memory 2048 -file $bin/broken.test -file cmd/kubectl-netlab/internal/local/broken/testdata -dir cmd/kubectl-netlab/internal/local/broken -env NETLAB_FULL_KERNEL=1 -- \
    broken.test -test.run TestEveryFixWorks/impaired
}

# Delay, rate and loss, by a clock that does not depend on this machine's load.
measured() {
  go test -c -tags fullkernel -o $bin/kernel.test ./controllers/kernel
  vm -steady -file $bin/kernel.test -dir controllers/kernel -- kernel.test -test.run Measured -test.v | grep -v '^=== '
}

# Kernels without a feature: NetLab refuses a lab that needs it, and builds others.
lacking() {
  go build -o $bin/kubectl-netlab ./cmd/kubectl-netlab
  local samples=config/samples
  lab() { vm -file $bin/kubectl-netlab -file $samples -file hack/test/vm/refused.sh "$@"; }
  refused() { lab "${@:3}" -- hack/test/vm/refused.sh "$samples/$1" "$2"; }
  refused routed-pair.yaml veth -without veth
  refused one-switch.yaml bridge -without bridge -without br_netfilter
  refused router-on-a-stick.yaml 802.1Q -without 8021q
  refused satellite.yaml netem -without sch_netem
  refused ipv6-only.yaml IPv6 -append ipv6.disable=1
  lab -append ipv6.disable=1 -- sh -ec "
    kubectl-netlab --local up -f $samples/routed-pair.yaml
    kubectl-netlab --local plan --exit-code -f $samples/routed-pair.yaml"
  lab -without sch_netem -- kubectl-netlab --local up -f $samples/thin-uplink.yaml # with tbf instead
}

[ $# -gt 0 ] || set -- kernel tunnels gallery impaired random mutants faults measured lacking
for part; do
  start=$SECONDS
  "$part"
  printf 'test-vm: %-10s %5d s\n' "$part" $((SECONDS - start))
done
