// SPDX-License-Identifier: Apache-2.0

// Package nodeexec runs programs on a node of a cluster, through the API server and with the rights of
// the user, who must be an administrator of the node.
//
//	Cluster.Agent ─▶ the agent's pod on a node ─▶ Exec: netlab-agent ask …
//	Cluster.Visit ─▶ a pod for one command ─▶ wait ─▶ Exec: netlab-agent enter … COMMAND ─▶ delete
//
// The pod for one command has an image of the user's choice, which need not know network
// namespaces: a first container, of the image the agent on that node has, copies netlab-agent,
// a static program, into a volume of the pod. The second one, of that image, only waits, and the
// command is run in it through netlab-agent, which enters the namespace and becomes the command.
// Running it through pods/exec, instead of as the container's first process, gives it a terminal
// and an exit code without the race between a short command and the attaching client.
//
// The pod is deleted when the command has ended, and when anything went wrong or was interrupted.
// Where even that was not possible, the cluster stops it after a time limit.
package nodeexec
