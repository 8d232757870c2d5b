// SPDX-License-Identifier: Apache-2.0

// Cluster runs a real Kubernetes with several nodes on one Linux machine, without Docker:
//
//	cluster up --nodes 3                      a control plane, node-1 to node-3; waits until they are Ready
//	cluster load bin/images/*.tar             images into every node, also into those added later
//	cluster run -- kubectl get nodes          a command that reaches the API server
//	cluster node exec node-1 -- ip netns      a command in a node
//	cluster node add|stop|start|remove NAME   a node joins, loses power, boots again, leaves
//	cluster node kubelet-stop|kubelet-start NAME
//	cluster apiserver stop|start
//	cluster down                              leaves nothing
//
// It is for tests and for people without Docker. It needs root, the packages deps.sh names and the
// Kubernetes programs of hack/assets/build.sh.
//
// # Processes and namespaces
//
//	outer ─▶ init ─▶ supervisor: bridge, etcd, API server, controller manager, scheduler
//	                   └─▶ outer ─▶ init ─▶ node-1: eth0, /run, /var, containerd, kubelet, pods
//	                   └─▶ outer ─▶ init ─▶ node-2: …
//
// The supervisor and every node run in a sandbox (controllers/kernel/sandbox): pid, mount and
// network namespaces whose processes the kernel kills together with their init. So whatever
// ends the supervisor, kill -9 included, ends the cluster with its mounts and interfaces. What is
// left then are files and empty cgroups, which down, or the next up, removes. Killing a node's
// sandbox is what node stop does: the power goes, /var stays.
//
// The supervisor and the nodes each answer verbs on a Unix socket (control.go). The kernel tells whoever
// connects to a socket the pid of the process that listens on it, in the caller's own terms:
// that is how run and exec find the namespaces to enter. There are no pid files to go stale. Whether a
// cluster is running is a lock (lock.go) that the supervisor inherits and the kernel releases.
//
// # Files
//
// Everything is in one directory (--dir; directory.go). A node sees the machine's file system read-only,
// except for /run (a tmpfs), /var (nodes/NAME/var of that directory) and /tmp (the machine's). The node's
// certificates and configurations are in its /var/lib/netlab-cluster, its logs in its /var/log.
//
// # Cgroups
//
// Each node has a cgroup root of its own, without which every kubelet would remove the pods of the
// others as orphans. Only pods are in there; the programs stay in the cgroup of whoever called up.
// Both cgroup versions are handled (cgroup.go).
//
// # Network
//
//	172.30.0.1            the control plane, on the bridge that all nodes' eth0 are plugged into
//	172.30.0.10 + N       node number N
//	10.244.N.0/24         its pods (CNI plugins ptp and host-local)
//	10.96.0.1             the Service "kubernetes", see below
//
// Nodes route everything by way of the control plane, which knows where each pod network is: no overlay,
// no address translation, so every pod, node and control plane component reaches every other. Nothing
// leads outside: images are loaded, not pulled.
//
// There is no kube-proxy. Pods find the API server under the Service's address 10.96.0.1:443, so the control
// plane simply has that address, too, and the API server listens on port 443. One route replaces an
// address translation in every node, with nothing to build, start and wait for. What that does not
// give is any other Service address; there is no cluster DNS and no hostPort either. Ask pods directly, as Prometheus
// and kubectl port-forward do.
//
// # Security
//
// As in clusters of real users: RBAC, the node authorizer, NodeRestriction and Pod Security admission; tokens
// of pods are bound to their node. Kubelets authenticate and authorize whoever calls them and are authenticated by the
// API server. etcd alone has no TLS: it listens on the loopback interface of the control plane's network namespace.
//
// Every write to the API server is in audit.log of the directory, one JSON object per line.
package main
