#!/bin/sh
# refused.sh SAMPLE FEATURE: in a virtual machine whose kernel lacks a feature, NetLab refuses the
# sample, with a message that names the feature, and builds nothing of it.
set -eu
before=$(ip -o link show)
code=0
kubectl-netlab --local up -f "$1" >out 2>&1 || code=$?
cat out
test $code = 1
grep -q "KernelFeatureMissing" out
grep -q "this kernel lacks a feature: $2" out
for dir in /run/netlab/netns /run/netns; do
  left=$(ls -A $dir 2>/dev/null || true)
  test -z "$left" || { echo "$dir still has $left"; exit 1; }
done
test "$(ip -o link show)" = "$before" || { ip link show; exit 1; }
