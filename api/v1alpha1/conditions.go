// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The condition types of a NetLab, with the reasons of each status.
//
// Ready, Accepted, Realized and Reachable are always present. Reconciling, Stalled and Drifted
// are present only while they are True. A condition describes all selected cluster nodes: False
// on one of them outweighs Unknown, and Unknown outweighs True. A node that does not report
// counts only if more than placement.maxUnavailable nodes do not.
const (
	// ConditionReady indicates whether the lab is built and every probe passes: it is True if
	// Accepted, Realized and Reachable are. Otherwise it has the reason and the message of the first
	// of them that is False or, if none is, of the first that is Unknown. While a lab waits for the
	// first results of its probes, Ready is False with the reason Progressing.
	//
	// Reasons for True: Ready.
	// Reasons for False: Progressing, and those for False of Accepted, Realized and Reachable.
	// Reasons for Unknown: Pending, Suspended, NodesUnavailable, ObservationFailed, ProbeError.
	ConditionReady = "Ready"

	// ConditionAccepted indicates whether the spec is valid.
	//
	// Reasons for True: Valid.
	// Reasons for False: InvalidSpec.
	// Reasons for Unknown: Pending.
	ConditionAccepted = "Accepted"

	// ConditionRealized indicates whether the kernel of every selected cluster node holds the lab as
	// the spec describes it. The agent reads the kernel's state after each change and compares; it
	// does not infer success from operations that returned no error.
	//
	// Reasons for True: Realized.
	// Reasons for False: Progressing, Conflict, KernelFeatureMissing, KernelError, LimitExceeded,
	// NoNodesSelected, Drifted.
	// Reasons for Unknown: Pending, NotAccepted, NodesUnavailable, Suspended, ObservationFailed.
	ConditionRealized = "Realized"

	// ConditionReachable indicates whether every probe has its expected outcome on every selected
	// cluster node. A reason for False is the diagnosed cause of a failing probe.
	//
	// Reasons for True: AllProbesPass, NoProbes.
	// Reasons for False: NetworkUnreachable, ForwardingDisabled, NoReturnRoute, LinkDown,
	// RouteRejects, RoutingLoop, SourceFiltered, MessageTooBig, DifferentVLAN, SpanningTree,
	// HostUnreachable, DuplicateAddress, TTLExceeded, EchoIgnored, Impaired, NoReply, UnexpectedReply.
	// Reasons for Unknown: Pending, SpanningTree, NotAccepted, NotRealized, NodesUnavailable, Suspended,
	// ProbeError.
	ConditionReachable = "Reachable"

	// ConditionReconciling indicates that NetLab is building or changing the lab, or waits for the
	// first results of its probes. kstatus reads it as InProgress.
	//
	// Reasons for True: Progressing.
	ConditionReconciling = "Reconciling"

	// ConditionStalled indicates that the lab is not expected to become Ready without a change by a user
	// or an administrator: the spec is invalid, no cluster node is selected, a probe fails, or a cluster
	// node has been unable to build the lab for 60 seconds. kstatus reads it as Failed.
	//
	// Reasons for True: the reason of Ready.
	ConditionStalled = "Stalled"

	// ConditionDrifted indicates that a kernel differs from the spec and that driftPolicy is Report,
	// so NetLab does not correct the difference.
	//
	// Reasons for True: Drifted.
	ConditionDrifted = "Drifted"
)

// Reasons of more than one condition.
const (
	// ReasonPending means that there is no result for the current generation yet. Reachable has it
	// while the lab waits for the first results of its probes.
	ReasonPending = "Pending"
	// ReasonProgressing means that NetLab is building or changing the lab, or waits for the first
	// results of its probes.
	ReasonProgressing = "Progressing"
	// ReasonNotAccepted means that the spec is invalid. NetLab builds and changes nothing; what it
	// built for an earlier generation stays.
	ReasonNotAccepted = "NotAccepted"
	// ReasonSuspended means that spec.suspend is true.
	ReasonSuspended = "Suspended"
	// ReasonNodesUnavailable means that more than placement.maxUnavailable selected cluster nodes,
	// or all of them, have no agent that reports.
	ReasonNodesUnavailable = "NodesUnavailable"
)

// ReasonReady is the reason for Ready=True.
const ReasonReady = "Ready"

// Reasons of Accepted.
const (
	// ReasonValid means that the spec is valid.
	ReasonValid = "Valid"
	// ReasonInvalidSpec means that the spec is invalid. The message names each field, its problem
	// and the fix.
	ReasonInvalidSpec = "InvalidSpec"
)

// Reasons of Realized.
const (
	// ReasonRealized means that the kernel's state equals the spec.
	ReasonRealized = "Realized"
	// ReasonConflict means that an object which NetLab did not create has a name that the lab needs.
	// NetLab does not change the object. The message names it.
	ReasonConflict = "Conflict"
	// ReasonKernelFeatureMissing means that the node's kernel lacks a feature that the lab needs,
	// such as netem or VLANs. NetLab builds nothing of the lab on that node.
	ReasonKernelFeatureMissing = "KernelFeatureMissing"
	// ReasonKernelError means that the kernel refused an operation, or that its state still differs
	// from the spec after three rounds of corrections. The message has the operation as a command of
	// iproute2.
	ReasonKernelError = "KernelError"
	// ReasonObservationFailed means that the agent could not read the kernel's state. It changed
	// nothing and tries again.
	ReasonObservationFailed = "ObservationFailed"
	// ReasonLimitExceeded means that the lab exceeds --max-labs or --max-namespaces of a node's
	// agent, or needs more of the node's neighbour table than other labs leave (--neighbor-share).
	ReasonLimitExceeded = "LimitExceeded"
	// ReasonNoNodesSelected means that placement selects no cluster node that runs an agent.
	ReasonNoNodesSelected = "NoNodesSelected"
	// ReasonDrifted means that the kernel's state differs from the spec and driftPolicy is Report.
	ReasonDrifted = "Drifted"
)

// Reasons of Reachable.
const (
	// ReasonAllProbesPass means that every probe has its expected outcome.
	ReasonAllProbesPass = "AllProbesPass"
	// ReasonNoProbes means that the lab has no probes.
	ReasonNoProbes = "NoProbes"
	// ReasonNotRealized means that the lab is not realized. Probes run only while it is.
	ReasonNotRealized = "NotRealized"
	// ReasonProbeError means that a probe could not send, so its outcome is unknown. A full neighbour
	// table of the cluster node is one cause.
	ReasonProbeError = "ProbeError"

	// ReasonNetworkUnreachable means that a node on the path has no route to the destination, or
	// that the sender has no address of the probe's family. The message names the node.
	ReasonNetworkUnreachable = "NetworkUnreachable"
	// ReasonForwardingDisabled means that the packet reaches a node which is not its destination and
	// does not forward. The message names the node.
	ReasonForwardingDisabled = "ForwardingDisabled"
	// ReasonNoReturnRoute means that the request arrives, and a node on the return path has no route
	// to the sender. The message names the node.
	ReasonNoReturnRoute = "NoReturnRoute"
	// ReasonLinkDown means that an interface on the path is down or has no carrier. The message names
	// the interface and its node.
	ReasonLinkDown = "LinkDown"
	// ReasonRouteRejects means that a blackhole, unreachable or prohibit route on the path, or a
	// policy rule, drops the packet. The message names the route or the rule, and the node.
	ReasonRouteRejects = "RouteRejects"
	// ReasonRoutingLoop means that the packet returns to a node it has passed. The message has the
	// loop.
	ReasonRoutingLoop = "RoutingLoop"
	// ReasonSourceFiltered means that a node drops the packet because of its source address, for
	// example by reverse path filtering (rp_filter). The message names the node.
	ReasonSourceFiltered = "SourceFiltered"
	// ReasonMessageTooBig means that the packet exceeds the MTU of the path. The message names the
	// interface or the node that limits it, and the limit.
	ReasonMessageTooBig = "MessageTooBig"
	// ReasonDifferentVLAN means that the next hop is behind a switch in another VLAN, or behind a port
	// that does not carry the packet's VLAN. The message names both.
	ReasonDifferentVLAN = "DifferentVLAN"
	// ReasonSpanningTree means that the spanning tree of a switch on the path has not converged: it has
	// yet to open a port. Reachable is Unknown for up to 20 seconds then, and False if the port still
	// does not forward. The message names the port and the switch.
	ReasonSpanningTree = "SpanningTree"
	// ReasonHostUnreachable means that a node gets no answer to ARP or neighbour discovery for the next
	// hop or the destination. Causes are a wrong gateway, a prefix that is too short, a missing
	// address, ARP or IPv6 turned off, and a wrong permanent neighbour entry. The message names the
	// node and the link.
	ReasonHostUnreachable = "HostUnreachable"
	// ReasonDuplicateAddress means that two nodes have the same address, so a node drops the request,
	// the reply reaches the wrong one, or the sender itself has the destination's address. The message
	// names the nodes.
	ReasonDuplicateAddress = "DuplicateAddress"
	// ReasonTTLExceeded means that the path has more hops than the sender's TTL or hop limit. The
	// message names the node that drops the packet.
	ReasonTTLExceeded = "TTLExceeded"
	// ReasonEchoIgnored means that the request arrives and a setting of the destination, such as
	// net.ipv4.icmp_echo_ignore_all, suppresses the reply. The message names the setting.
	ReasonEchoIgnored = "EchoIgnored"
	// ReasonImpaired means that impairments on the path, or queueing disciplines that were changed by hand,
	// keep replies from arriving in time: always, or now and then. The message names the interface and the
	// value, and for losses the measured share.
	ReasonImpaired = "Impaired"
	// ReasonNoReply means that no reply arrives and the kernels' routing decisions do not show why:
	// every node on the path forwards the packet. The message names objects on the path that NetLab
	// did not create, such as packet filters, or a full neighbour table.
	ReasonNoReply = "NoReply"
	// ReasonUnexpectedReply means that a probe with expect: Unreachable got a reply.
	ReasonUnexpectedReply = "UnexpectedReply"
)
