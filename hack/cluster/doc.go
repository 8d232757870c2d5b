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
// It is for tests and for users without Docker. It needs root, the packages that deps.sh names and the
// Kubernetes programs of hack/assets/build.sh.
//
// # Processes and namespaces
//
//	outer ─▶ init ─▶ supervisor: bridge, etcd, API server, controller manager, scheduler
//	                   └─▶ outer ─▶ init ─▶ node-1: eth0, /run, /var, containerd, kubelet, pods
//	                   └─▶ outer ─▶ init ─▶ node-2: …
//
// The supervisor and every node run in a sandbox (controllers/kernel/sandbox): PID, mount and network
// namespaces whose processes the kernel kills together with their init. So the end of the supervisor,
// by kill -9 too, ends the cluster with its mounts and interfaces. Files and empty cgroups remain; down,
// or the next up, removes them. node stop kills a node's sandbox, as if its power failed; /var stays.
//
// The supervisor and the nodes each answer verbs on a Unix socket (control.go). A client that connects to
// a socket gets the PID of the listening process from the kernel, in the client's own PID namespace. From that PID
// run and exec find the namespaces to enter. There are no PID files that could be stale. A lock
// (lock.go) tells whether a cluster is running: the supervisor inherits it and the kernel releases it.
//
// # Files
//
// All files are in one directory (--dir; directory.go). A node sees the machine's file system read-only,
// except for /run (a tmpfs), /var (nodes/NAME/var of that directory) and /tmp (the machine's). The node's
// certificates and configurations are in its /var/lib/netlab-cluster, its logs in its /var/log.
//
// # Cgroups
//
// Each node has a cgroup root of its own. With a shared one, every kubelet would remove the pods of the
// other nodes as orphans. Only pods are in there; the programs stay in the cgroup of the process that
// ran up. Both cgroup versions work (cgroup.go).
//
// # Network
//
//	172.30.0.1            the control plane, on the bridge that all nodes' eth0 are ports of
//	172.30.0.10 + N       node number N
//	10.244.N.0/24         its pods (CNI plugins ptp and host-local)
//	10.96.0.1             the Service "kubernetes", see below
//
// Nodes route all traffic through the control plane, which has a route to each pod network. There is no
// overlay and no address translation: every pod, node and control plane component reaches every other.
// Nothing leads outside: images are loaded, not pulled.
//
// There is no kube-proxy. Pods find the API server at the Service's address 10.96.0.1:443. The control
// plane has that address too, and the API server listens on port 443. One route replaces an address
// translation on every node, with nothing to build, start and wait for. No other Service has an
// address; there is no cluster DNS and no hostPort. Connect to pods directly, as Prometheus and kubectl
// port-forward do.
//
// # Security
//
// As in production clusters: RBAC, the node authorizer, NodeRestriction and Pod Security admission; tokens
// of pods are bound to their node. Kubelets authenticate and authorize their clients, and the API server
// authenticates kubelets. etcd alone has no TLS: it listens on the loopback interface of the control
// plane's network namespace.
//
// Every write to the API server is in audit.log of the directory, one JSON object per line.
package main
