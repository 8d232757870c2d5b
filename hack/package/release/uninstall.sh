#!/usr/bin/env bash
# Removes NetLab from the cluster that kubectl talks to, labs first:
#
#   uninstall.sh install.yaml
#
# Agents tear labs down, so they go last. Whoever deletes them first leaves labs on the nodes:
# nothing hangs, and applying install.yaml again, then this, removes them.
set -euo pipefail
manifests=${1:?which manifests were applied?}
patience=${NETLAB_UNINSTALL_SECONDS:-120}

# holding: the nodes whose agents still report labs.
holding() {
  kubectl get netlabnodestates -o jsonpath='{range .items[?(@.status.labCount>0)]}{.metadata.name} {end}'
}

kubectl delete netlabs --all --all-namespaces
deadline=$((SECONDS + patience))
until nodes=$(holding) && [ -z "$nodes" ]; do
  if [ "$SECONDS" -ge "$deadline" ]; then
    echo "uninstall: after $patience s there are still labs on $nodes" >&2
    echo "uninstall: agents are kept; kubectl -n netlab-system get pods -o wide shows those that do not run" >&2
    exit 1
  fi
  sleep 1
done
kubectl delete --ignore-not-found -f "$manifests"
