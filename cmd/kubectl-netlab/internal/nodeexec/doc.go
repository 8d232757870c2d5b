// SPDX-License-Identifier: Apache-2.0

// Package nodeexec runs programs on a node of a cluster, through the API server and with the rights of
// the user, who must be an administrator of the node.
//
//	Cluster.Agent ─▶ the agent's pod on a node ─▶ Exec: netlab-agent ask …
//	Cluster.Run   ─▶ a pod for one command ─▶ wait ─▶ Exec: netlab-agent enter … COMMAND ─▶ delete
//
// # The Pod of a session
//
// The image of the command need not know network namespaces. An init container with the agent's image
// copies netlab-agent, a static program, into a volume of the Pod. The main container, with the image of
// the command, only waits. The command runs in it through netlab-agent, which enters the network
// namespace and replaces itself by the command. pods/exec gives the command a terminal and an exit
// code; as the container's first process it would race with the attaching client.
//
// The Pod is deleted when the command ends, fails or is interrupted. If even that is impossible, the
// cluster stops it after a time limit.
package nodeexec
