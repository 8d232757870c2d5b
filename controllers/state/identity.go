// SPDX-License-Identifier: Apache-2.0

package state

import "strings"

// labelPrefix starts the owner label of every namespace that NetLab made.
const labelPrefix = "netlab.dev/"

// Owner is who made a lab's namespaces: "agent/<lab UID>" or "local/<namespace>.<lab>".
// Agent and command line each touch only what their own kind made.
type Owner string

// AgentOwner is the owner of a lab that a cluster's agent built.
func AgentOwner(uid string) Owner { return Owner("agent/" + uid) }

// LocalOwner is the owner of a lab built without a cluster.
func LocalOwner(namespace, lab string) Owner { return Owner("local/" + namespace + "." + lab) }

// Label is the owner label, which the alias of lo has in one of the owner's namespaces.
func (o Owner) Label(node string) string { return labelPrefix + string(o) + "/" + node }

// IsAgent reports whether a cluster's agent made it.
func (o Owner) IsAgent() bool { return strings.HasPrefix(string(o), "agent/") }

// UID is the lab's UID for an agent's owner, empty otherwise.
func (o Owner) UID() string {
	if !o.IsAgent() {
		return ""
	}
	return strings.TrimPrefix(string(o), "agent/")
}

// ParseLabel is the inverse of Owner.Label; ok is false for anything else.
func ParseLabel(label string) (owner Owner, node string, ok bool) {
	rest, ok := strings.CutPrefix(label, labelPrefix)
	if !ok {
		return "", "", false
	}
	parts := strings.Split(rest, "/")
	if len(parts) != 3 || (parts[0] != "agent" && parts[0] != "local") || parts[1] == "" || parts[2] == "" {
		return "", "", false
	}
	return Owner(parts[0] + "/" + parts[1]), parts[2], true
}

// Identity says which lab a State belongs to.
type Identity struct {
	// Namespace and Name are the NetLab's metadata; neither has dots.
	Namespace, Name string
	// Owner is who builds it.
	Owner Owner
}

// Prefix starts the names of the lab's network namespaces: "default.routed-pair.".
func (id Identity) Prefix() string { return id.Namespace + "." + id.Name + "." }

// NetworkNamespace is the name of a node's network namespace: "default.routed-pair.ns1".
func (id Identity) NetworkNamespace(node string) string { return id.Prefix() + node }

// String is "default/routed-pair".
func (id Identity) String() string { return id.Namespace + "/" + id.Name }

// NodeOf is the node part of a network namespace's name.
func NodeOf(networkNamespace string) string {
	return networkNamespace[strings.LastIndexByte(networkNamespace, '.')+1:]
}

// SplitNetworkNamespace is the inverse of Identity.NetworkNamespace; ok is false for
// names that no lab can have.
func SplitNetworkNamespace(name string) (namespace, lab, node string, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}
