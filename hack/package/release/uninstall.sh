#!/usr/bin/env bash
# Removes NetLab from the cluster that kubectl talks to, labs first:
#
#   uninstall.sh install.yaml
#
# Agents remove labs, so they go last. If they are deleted first, nothing hangs, but labs stay on the
# nodes. To remove them, apply install.yaml again, then run this.
set -euo pipefail
manifests=${1:?which manifests were applied?}
timeout=${NETLAB_UNINSTALL_SECONDS:-120}

# holding: prints the nodes whose agents still report labs.
holding() {
  kubectl get netlabnodestates -o jsonpath='{range .items[?(@.status.labCount>0)]}{.metadata.name} {end}'
}

kubectl delete netlabs --all --all-namespaces
deadline=$((SECONDS + timeout))
until nodes=$(holding) && [ -z "$nodes" ]; do
  if [ "$SECONDS" -ge "$deadline" ]; then
    echo "uninstall: after $timeout s these nodes still have labs: $nodes" >&2
    echo "uninstall: the agents stay; kubectl -n netlab-system get pods -o wide shows those that do not run" >&2
    exit 1
  fi
  sleep 1
done
kubectl delete --ignore-not-found -f "$manifests"
