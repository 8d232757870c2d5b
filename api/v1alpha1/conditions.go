// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The conditions of a NetLab. The first four are always present and positive; the
// others are there only while True. Over nodes, False beats Unknown beats True.
const (
	// ConditionReady sums up the others. True: Ready. Else the reason of the condition
	// that keeps it from being True.
	ConditionReady = "Ready"

	// ConditionAccepted says whether the spec is one that can be built.
	// True: Valid. False: InvalidSpec. Unknown: Pending.
	ConditionAccepted = "Accepted"

	// ConditionRealized says whether a fresh look at the kernel of every selected node
	// found the lab exactly as described.
	// True: Realized.
	// False: Progressing, Conflict, KernelFeatureMissing, KernelError, LimitExceeded,
	// NoNodesSelected, Drifted.
	// Unknown: Pending, NotAccepted, NodesUnavailable, Suspended, ObservationFailed.
	ConditionRealized = "Realized"

	// ConditionReachable says whether every probe has the expected outcome on every
	// selected node.
	// True: AllProbesPass, NoProbes.
	// False: NetworkUnreachable, ForwardingDisabled, NoReturnRoute, LinkDown, RouteRejects,
	// RoutingLoop, SourceFiltered, MessageTooBig, DifferentVLAN, SpanningTree, HostUnreachable,
	// DuplicateAddress, TTLExceeded, EchoIgnored, NoReply, UnexpectedReply.
	// Unknown: Pending, NotAccepted, NotRealized, NodesUnavailable, Suspended, ProbeError.
	ConditionReachable = "Reachable"

	// ConditionReconciling is True while something is still under way: Progressing.
	// kstatus reads it as InProgress.
	ConditionReconciling = "Reconciling"

	// ConditionStalled is True when nothing will change until somebody acts; its reason
	// is that of Ready. kstatus reads it as Failed.
	ConditionStalled = "Stalled"

	// ConditionDrifted is True when driftPolicy is Report and a kernel differs from the
	// lab as described: Drifted.
	ConditionDrifted = "Drifted"
)

// Reasons of several conditions.
const (
	// ReasonPending: nobody has looked at this generation yet, or the first verdict of a probe is open.
	ReasonPending = "Pending"
	// ReasonProgressing: the lab is being built or changed.
	ReasonProgressing = "Progressing"
	// ReasonNotAccepted: the spec is invalid, so nothing was done; an older generation stays as it is.
	ReasonNotAccepted = "NotAccepted"
	// ReasonSuspended: spec.suspend is true.
	ReasonSuspended = "Suspended"
	// ReasonNodesUnavailable: more than placement.maxUnavailable selected nodes have a silent agent.
	ReasonNodesUnavailable = "NodesUnavailable"
)

// ReasonReady is the reason of Ready=True.
const ReasonReady = "Ready"

// Reasons of Accepted.
const (
	// ReasonValid: the spec can be built.
	ReasonValid = "Valid"
	// ReasonInvalidSpec: the message lists field, problem and cure.
	ReasonInvalidSpec = "InvalidSpec"
)

// Reasons of Realized.
const (
	// ReasonRealized: a fresh observation differs in nothing from the lab as described.
	ReasonRealized = "Realized"
	// ReasonConflict: something that is not ours has a name the lab needs. It is left alone.
	ReasonConflict = "Conflict"
	// ReasonKernelFeatureMissing: the node's kernel lacks something the lab needs; nothing of the lab is built there.
	ReasonKernelFeatureMissing = "KernelFeatureMissing"
	// ReasonKernelError: the kernel refused an operation; the message names it as an ip command.
	ReasonKernelError = "KernelError"
	// ReasonObservationFailed: the kernel's state could not be read; nothing was concluded from that.
	ReasonObservationFailed = "ObservationFailed"
	// ReasonLimitExceeded: the lab would exceed a --max-… limit of the node's agent.
	ReasonLimitExceeded = "LimitExceeded"
	// ReasonNoNodesSelected: placement selects no node that runs an agent.
	ReasonNoNodesSelected = "NoNodesSelected"
	// ReasonDrifted: driftPolicy is Report and the kernel differs from the lab as described.
	ReasonDrifted = "Drifted"
)

// Reasons of Reachable.
const (
	// ReasonAllProbesPass: every probe has the expected outcome.
	ReasonAllProbesPass = "AllProbesPass"
	// ReasonNoProbes: the lab asks nothing.
	ReasonNoProbes = "NoProbes"
	// ReasonNotRealized: probes run only while the lab is realized.
	ReasonNotRealized = "NotRealized"
	// ReasonProbeError: an attempt could not be made, so nothing is known (for instance, the node's neighbour table is full).
	ReasonProbeError = "ProbeError"

	// ReasonNetworkUnreachable: a node on the way has no route to the destination; it is named with the destination.
	ReasonNetworkUnreachable = "NetworkUnreachable"
	// ReasonForwardingDisabled: the packet reaches a node that is not its destination and does not forward; it is named.
	ReasonForwardingDisabled = "ForwardingDisabled"
	// ReasonNoReturnRoute: the request arrives, but a node on the way back has no route to the asker; it is named.
	ReasonNoReturnRoute = "NoReturnRoute"
	// ReasonLinkDown: an interface on the way is down or without carrier; it is named.
	ReasonLinkDown = "LinkDown"
	// ReasonRouteRejects: a blackhole, unreachable or prohibit route on the way takes the packet, or a policy rule
	// does; it and its node are named.
	ReasonRouteRejects = "RouteRejects"
	// ReasonRoutingLoop: the packet comes to a node it has passed before; the loop is named.
	ReasonRoutingLoop = "RoutingLoop"
	// ReasonSourceFiltered: reverse-path filtering (rp_filter) on a node drops the packet; it is named.
	ReasonSourceFiltered = "SourceFiltered"
	// ReasonMessageTooBig: the packet does not fit the MTU of a link on the way; it is named.
	ReasonMessageTooBig = "MessageTooBig"
	// ReasonDifferentVLAN: the next hop is behind a switch, and in another VLAN or behind a trunk that does not carry its VLAN; both are named.
	ReasonDifferentVLAN = "DifferentVLAN"
	// ReasonSpanningTree: a switch on the way has not decided yet whether a port forwards, or keeps it from that; it is named.
	ReasonSpanningTree = "SpanningTree"
	// ReasonHostUnreachable: a node looks for a gateway or the destination on a link where nobody answers for the
	// address: a wrong gateway, a prefix that is too short, a lost address, ARP or IPv6 turned off, or a neighbour
	// entry by hand that is wrong; the node and the link are named.
	ReasonHostUnreachable = "HostUnreachable"
	// ReasonDuplicateAddress: two nodes have the asker's address, so that a request is dropped or a reply goes astray; both are named.
	ReasonDuplicateAddress = "DuplicateAddress"
	// ReasonTTLExceeded: the asker's TTL (hop limit) is too small for the way; the node where packets end is named.
	ReasonTTLExceeded = "TTLExceeded"
	// ReasonEchoIgnored: the request arrives, and the node is set not to answer pings; it is named.
	ReasonEchoIgnored = "EchoIgnored"
	// ReasonNoReply: every hop, forward and back, forwards by the kernel's own word, and yet no reply came: what
	// others put there is named, or that the machine's neighbour table is full.
	ReasonNoReply = "NoReply"
	// ReasonUnexpectedReply: a probe that expects Unreachable got a reply.
	ReasonUnexpectedReply = "UnexpectedReply"
)
