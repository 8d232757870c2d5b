// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// NetLab is a network lab: network namespaces, routers and the veth pairs between
// them, realized on every selected node.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=nl,categories=netlab
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Reachable",type=string,JSONPath=`.status.conditions[?(@.type=="Reachable")].status`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.status.nodes.summary`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",message="metadata.name must be at most 63 characters long and have no dots: it is part of the names of network namespaces"
type NetLab struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the lab is.
	// +optional
	Spec NetLabSpec `json:"spec,omitempty"`
	// What became of it on the selected nodes.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1,"conditions":{{"type":"Ready","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Accepted","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Realized","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Reachable","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"}}}
	Status NetLabStatus `json:"status,omitempty"`
}

// NetLabList is a list of NetLabs.
//
// +kubebuilder:object:root=true
type NetLabList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NetLab `json:"items"`
}

// NetLabSpec describes a lab. Three kinds of node (namespaces, routers, switches), one kind
// of edge (links), an address plan (subnets) and questions (probes).
//
// +kubebuilder:validation:XValidation:rule="[(has(self.namespaces) ? self.namespaces : []).map(n, n.name) + (has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.links) || self.links.all(l, size(l.endpoints) != 2 || (l.endpoints[0].name in names && l.endpoints[1].name in names)))",message="links[].endpoints[].name must be the name of a namespace, router or switch of this lab"
// +kubebuilder:validation:XValidation:rule="[(has(self.subnets) ? self.subnets : []).map(s, s.name)].all(names, !has(self.links) || self.links.all(l, !has(l.subnet) || l.subnet in names))",message="links[].subnet must be the name of a subnet of this lab"
// +kubebuilder:validation:XValidation:rule="[(has(self.namespaces) ? self.namespaces : []).map(n, n.name) + (has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.probes) || self.probes.all(p, p.from in names && (!has(p.to) || p.to in names)))",message="probes[].from and probes[].to must be names of nodes of this lab"
// +kubebuilder:validation:XValidation:rule="[(has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.namespaces) || self.namespaces.all(n, !(n.name in names)))",message="node names must be unique across namespaces, routers and switches"
// +kubebuilder:validation:XValidation:rule="[(has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.routers) || self.routers.all(n, !(n.name in names)))",message="node names must be unique across namespaces, routers and switches"
// +kubebuilder:validation:XValidation:rule="[(has(self.subnets) ? self.subnets : []).map(s, s.name)].all(names, !has(self.switches) || self.switches.all(s, !has(s.subnet) || s.subnet in names))",message="switches[].subnet must be the name of a subnet of this lab"
type NetLabSpec struct {
	// Auto derives shortest-path routes for every node; Manual installs only the
	// routes written under nodes.
	// +optional
	// +kubebuilder:default=Auto
	Routing Routing `json:"routing,omitempty"`
	// Correct repairs whatever differs from the lab as described; Report only says so.
	// +optional
	// +kubebuilder:default=Correct
	DriftPolicy DriftPolicy `json:"driftPolicy,omitempty"`
	// While true the lab is neither built, changed, repaired nor probed. What is
	// there stays; deleting the NetLab still removes it.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
	// On which nodes of the cluster the lab is built. Every node by default.
	// +optional
	Placement *Placement `json:"placement,omitempty"`

	// Hosts: network namespaces that do not forward.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Namespaces []Namespace `json:"namespaces,omitempty"`
	// Routers: network namespaces that forward.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	Routers []Router `json:"routers,omitempty"`
	// Switches: a bridge in a network namespace of its own.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Switches []Switch `json:"switches,omitempty"`
	// Named address ranges that links and switches carry.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Subnets []Subnet `json:"subnets,omitempty"`
	// Cables: each is exactly one veth pair.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=512
	Links []Link `json:"links,omitempty"`
	// Questions asked from inside the lab again and again.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Probes []Probe `json:"probes,omitempty"`
}

// Routing says where routes come from.
// +kubebuilder:validation:Enum=Auto;Manual
type Routing string

// The values of Routing.
const (
	RoutingAuto   Routing = "Auto"
	RoutingManual Routing = "Manual"
)

// DriftPolicy says what happens when the kernel differs from the lab as described.
// +kubebuilder:validation:Enum=Correct;Report
type DriftPolicy string

// The values of DriftPolicy.
const (
	DriftCorrect DriftPolicy = "Correct"
	DriftReport  DriftPolicy = "Report"
)

// Placement selects the nodes of the cluster that carry the lab.
type Placement struct {
	// Nodes whose labels match carry the lab; every node when absent.
	// +optional
	NodeSelector *metav1.LabelSelector `json:"nodeSelector,omitempty"`
	// How many selected nodes (a number, or a percentage rounded down) may be silent
	// before the lab counts as Unknown. 0 by default.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^(100|[1-9]?[0-9])%$`
	// +kubebuilder:validation:XValidation:rule="type(self) != int || self >= 0",message="maxUnavailable is a number of nodes (0 or more) or a percentage from 0% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// Namespace is a host: a network namespace that does not forward.
type Namespace struct {
	Name Name `json:"name"`

	NodeConfig `json:",inline"`
}

// Router is a network namespace that forwards.
type Router struct {
	Name Name `json:"name"`
	// Enabled by default. Disabled leaves routes as they are and turns the kernel's
	// forwarding off: the mistake everybody makes once.
	// +optional
	Forwarding Toggle `json:"forwarding,omitempty"`

	NodeConfig `json:",inline"`
}

// Switch is a bridge, br0, in a network namespace of its own. What is plugged into it, or into
// switches connected with it, is one segment: one broadcast domain.
//
// +kubebuilder:validation:XValidation:rule="!has(self.vlanFiltering) || self.vlanFiltering != 'Enabled' || (!has(self.subnet) && !has(self.addresses))",message="with vlanFiltering, subnet and addresses belong to a VLAN: write them under vlans"
// +kubebuilder:validation:XValidation:rule="!has(self.vlans) || (has(self.vlanFiltering) && self.vlanFiltering == 'Enabled')",message="vlans needs vlanFiltering: Enabled"
type Switch struct {
	Name Name `json:"name"`
	// The subnet of its segment: what is plugged in takes its addresses from it.
	// +optional
	Subnet SubnetName `json:"subnet,omitempty"`
	// Disabled by default. Every switch on a cycle of switches needs Enabled (IEEE 802.1D,
	// with a forward delay of 2 seconds).
	// +optional
	STP Toggle `json:"stp,omitempty"`
	// Disabled by default. Enabled makes ports members of VLANs (IEEE 802.1Q): see vlan,
	// vlans and nativeVLAN of endpoints.
	// +optional
	VLANFiltering Toggle `json:"vlanFiltering,omitempty"`
	// What the VLANs carry.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=64
	VLANs []SwitchVLAN `json:"vlans,omitempty"`
	// The switch's own addresses, on br0, in CIDR notation; never derived.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
	// Disabled by default. Enabled makes it a layer 3 switch: with addresses it routes
	// between its VLANs, and counts as a router.
	// +optional
	Forwarding Toggle `json:"forwarding,omitempty"`

	NodeConfig `json:",inline"`
}

// SwitchVLAN is a VLAN as a switch knows it.
type SwitchVLAN struct {
	ID VLANID `json:"id"`
	// The subnet of this VLAN's segment.
	// +optional
	Subnet SubnetName `json:"subnet,omitempty"`
	// The switch's own addresses in this VLAN, on br0.ID; never derived.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
}

// NodeConfig is what every kind of node may have.
type NodeConfig struct {
	// Addresses on lo, in CIDR notation: 10.255.0.1/32, fd00::1/128.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Loopbacks []InterfaceAddress `json:"loopbacks,omitempty"`
	// Routes of this node. One written here replaces the derived one for exactly
	// that destination.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Routes []Route `json:"routes,omitempty"`
	// Kernel settings of this node, from a closed list.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Sysctls []Sysctl `json:"sysctls,omitempty"`
}

// Route is one entry of a node's main routing table.
//
// +kubebuilder:validation:XValidation:rule="(has(self.via) || has(self.link) ? 1 : 0) + (has(self.nextHops) ? 1 : 0) + (has(self.type) && self.type != 'Unicast' ? 1 : 0) == 1",message="a route has exactly one of via (or link), nextHops, or a type other than Unicast"
// +kubebuilder:validation:XValidation:rule="!has(self.onLink) || !self.onLink || (has(self.via) && has(self.link))",message="onLink goes with via and link"
type Route struct {
	// default, the name of a subnet of the lab, or a CIDR. A name, here and in via, stands for every family
	// that both this node and the next hop have addresses of.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=49
	To string `json:"to"`
	// The next hop: the name of a node that shares a link with this one, or an address.
	// +optional
	Via Gateway `json:"via,omitempty"`
	// The link over which via is reached, where several qualify. Without via, the
	// destination itself is on that link.
	// +optional
	Link LinkName `json:"link,omitempty"`
	// Take it that via is on the link, though no prefix of this node says so.
	// +optional
	OnLink bool `json:"onLink,omitempty"`
	// The address packets leave with unless their program says otherwise: one of this node's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Src IPAddress `json:"src,omitempty"`
	// Several next hops that share the traffic by weight.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	NextHops []NextHop `json:"nextHops,omitempty"`
	// Unicast by default. Blackhole drops silently, Unreachable and Prohibit answer with
	// an ICMP error.
	// +optional
	Type RouteType `json:"type,omitempty"`
	// The lower one wins between routes to the same destination. 0 by default (the
	// kernel makes that 1024 for IPv6).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Metric int64 `json:"metric,omitempty"`
}

// RouteType is what the kernel does with a packet that matches the route.
// +kubebuilder:validation:Enum=Unicast;Blackhole;Unreachable;Prohibit
type RouteType string

// The values of RouteType; an empty one means Unicast.
const (
	RouteUnicast     RouteType = "Unicast"
	RouteBlackhole   RouteType = "Blackhole"
	RouteUnreachable RouteType = "Unreachable"
	RouteProhibit    RouteType = "Prohibit"
)

// NextHop is one leg of a multipath route.
type NextHop struct {
	// The name of a node that shares a link with this one, or an address.
	Via Gateway `json:"via"`
	// The link over which via is reached, where several qualify.
	// +optional
	Link LinkName `json:"link,omitempty"`
	// Its share of the traffic, 1 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	Weight int32 `json:"weight,omitempty"`
}

// Sysctl is one kernel setting.
type Sysctl struct {
	// Which, as sysctl(8) writes it.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Enum=net.ipv4.conf.all.rp_filter;net.ipv4.conf.default.rp_filter;net.ipv4.conf.all.arp_ignore;net.ipv4.conf.default.arp_ignore;net.ipv4.conf.all.arp_announce;net.ipv4.conf.default.arp_announce;net.ipv4.conf.all.proxy_arp;net.ipv4.conf.default.proxy_arp;net.ipv4.conf.all.accept_redirects;net.ipv4.conf.default.accept_redirects;net.ipv4.conf.all.send_redirects;net.ipv4.conf.default.send_redirects;net.ipv4.conf.all.log_martians;net.ipv4.conf.default.log_martians;net.ipv4.conf.all.accept_source_route;net.ipv4.conf.default.accept_source_route;net.ipv4.ip_default_ttl;net.ipv4.fib_multipath_hash_policy;net.ipv4.icmp_echo_ignore_all;net.ipv4.tcp_ecn;net.ipv6.conf.all.accept_redirects;net.ipv6.conf.default.accept_redirects;net.ipv6.conf.all.hop_limit;net.ipv6.conf.default.hop_limit;net.ipv6.fib_multipath_hash_policy
	Name string `json:"name"`
	// Its value, a number from 0 to 255.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])$`
	Value intstr.IntOrString `json:"value"`
}

// Subnet is a named address range: IPv4, IPv6, or one of each.
type Subnet struct {
	Name Name `json:"name"`
	// At most one prefix per family, without host bits.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="size(self) < 2 || cidr(self[0]).ip().family() != cidr(self[1]).ip().family()",message="a subnet has at most one cidr per address family"
	CIDRs []Prefix `json:"cidrs"`
}

// Link is exactly one veth pair; what you write is what ip link shows.
type Link struct {
	// The name of the link and, unless an endpoint says otherwise, of its interface at both ends.
	Name Name `json:"name"`
	// The subnet whose addresses the ends take, unless they write their own.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Subnet SubnetName `json:"subnet,omitempty"`
	// Bytes, 1500 by default. Below 1280 the kernel has no IPv6 on the link.
	// +optional
	MTU MTU `json:"mtu,omitempty"`
	// Up by default. Down is a cut cable: both interfaces are set down.
	// +optional
	State LinkState `json:"state,omitempty"`
	// What the cable does to packets, in both directions.
	// +optional
	Impairment *Impairment `json:"impairment,omitempty"`
	// The two ends.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=2
	Endpoints []Endpoint `json:"endpoints"`
}

// LinkState is the administrative state of both ends of a link.
// +kubebuilder:validation:Enum=Up;Down
type LinkState string

// The values of LinkState; an empty one means Up.
const (
	LinkUp   LinkState = "Up"
	LinkDown LinkState = "Down"
)

// Endpoint is one end of a link.
type Endpoint struct {
	// The node this end is plugged into.
	Name NodeName `json:"name"`
	// The interface's name in that node; the link's name by default.
	// +optional
	Interface Name `json:"interface,omitempty"`
	// Its addresses in CIDR notation. Writing one of a family stops deriving that family here; an
	// IPv6 link-local one, such as fe80::1/64, only takes the place of the usual one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
	// Its Ethernet address; derived from the names by default.
	// +optional
	MAC MACAddress `json:"mac,omitempty"`
	// Bytes; the link's by default.
	// +optional
	MTU MTU `json:"mtu,omitempty"`
	// What happens to packets this end sends, instead of the link's impairment.
	// +optional
	Impairment *Impairment `json:"impairment,omitempty"`
	// At a switch with vlanFiltering: the one VLAN of this access port, 1 by default.
	// +optional
	VLAN VLANID `json:"vlan,omitempty"`
	// At a switch with vlanFiltering: the VLANs this trunk port carries, tagged. Between two
	// switches every VLAN of the lab by default.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	VLANs []VLANID `json:"vlans,omitempty"`
	// At a trunk port: the VLAN that goes untagged.
	// +optional
	NativeVLAN VLANID `json:"nativeVLAN,omitempty"`
	// At a host or router: interfaces on this one, each in a VLAN (router on a stick).
	// +optional
	// +listType=map
	// +listMapKey=vlan
	// +kubebuilder:validation:MaxItems=16
	Subinterfaces []Subinterface `json:"subinterfaces,omitempty"`
}

// Subinterface is an interface for one VLAN of the link it is on.
type Subinterface struct {
	VLAN VLANID `json:"vlan"`
	// Its name; by default the interface's, a dot and the VLAN.
	// +optional
	Name Name `json:"name,omitempty"`
	// The subnet whose addresses it takes, unless the VLAN's switches name one.
	// +optional
	Subnet SubnetName `json:"subnet,omitempty"`
	// Its addresses in CIDR notation. Writing one of a family stops deriving that family here; an
	// IPv6 link-local one, such as fe80::1/64, only takes the place of the usual one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
}

// Impairment is what a cable does to packets (tc-netem(8)). The zero value does nothing.
type Impairment struct {
	// How long each packet takes, such as 10ms, 250us or 1.5s; at most 60s.
	// +optional
	Delay Duration `json:"delay,omitempty"`
	// How much the delay varies around its value, at most 2.147s; needs delay.
	// +optional
	Jitter Duration `json:"jitter,omitempty"`
	// The share of packets that get lost, such as 0.5%.
	// +optional
	Loss Percentage `json:"loss,omitempty"`
	// The share of packets that arrive twice.
	// +optional
	Duplicate Percentage `json:"duplicate,omitempty"`
	// The share of packets in which a bit is flipped.
	// +optional
	Corrupt Percentage `json:"corrupt,omitempty"`
	// The share of packets that overtake the delayed ones; needs delay.
	// +optional
	Reorder Percentage `json:"reorder,omitempty"`
	// How much goes through, such as 10Mbit, 64kbit or 1Gbit (per second; decimal prefixes).
	// +optional
	Rate BitRate `json:"rate,omitempty"`
}

// Probe is a ping from inside one node, asked again and again, with the outcome expected.
//
// +kubebuilder:validation:XValidation:rule="has(self.to) != has(self.toAddress)",message="a probe has exactly one of to and toAddress"
type Probe struct {
	Name ProbeName `json:"name"`
	// The node that asks.
	From NodeName `json:"from"`
	// The node that is asked: its first loopback, else its first address, in every
	// family both have.
	// +optional
	To NodeName `json:"to,omitempty"`
	// The address that is asked; it must lie in the lab.
	// +optional
	ToAddress IPAddress `json:"toAddress,omitempty"`
	// Reachable by default. Unreachable passes while no reply comes.
	// +optional
	Expect Expectation `json:"expect,omitempty"`
	// Only this family; by default every family both nodes have.
	// +optional
	Family Family `json:"family,omitempty"`
	// Seconds between attempts once there is a verdict, 10 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	PeriodSeconds int32 `json:"periodSeconds,omitempty"`
	// Seconds to wait for a reply, 1 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
	// Unanswered attempts in a row before the verdict is "no reply", 3 by default.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	FailureThreshold int32 `json:"failureThreshold,omitempty"`
	// The ICMP payload in bytes; with it, the don't-fragment bit is set.
	// +optional
	// +kubebuilder:validation:Minimum=24
	// +kubebuilder:validation:Maximum=65000
	SizeBytes int32 `json:"sizeBytes,omitempty"`
}

// Expectation is the outcome a probe passes with.
// +kubebuilder:validation:Enum=Reachable;Unreachable
type Expectation string

// The values of Expectation; an empty one means Reachable.
const (
	ExpectReachable   Expectation = "Reachable"
	ExpectUnreachable Expectation = "Unreachable"
)

// Family is an address family.
// +kubebuilder:validation:Enum=IPv4;IPv6
type Family string

// The values of Family; an empty one means every family both ends have.
const (
	IPv4 Family = "IPv4"
	IPv6 Family = "IPv6"
)

// NetLabStatus is the lab as seen over all selected nodes.
type NetLabStatus struct {
	// The generation of the spec this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Ready, Accepted, Realized and Reachable are always present; Reconciling, Stalled
	// and Drifted only while True. See conditions.go for every reason.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// How many nodes carry the lab, and how they are.
	// +optional
	Nodes NodeCounts `json:"nodes,omitempty"`
	// At most 16 nodes, the worst first.
	// +optional
	// +listType=map
	// +listMapKey=name
	NodeSummaries []NodeSummary `json:"nodeSummaries,omitempty"`
	// At most 32 failing probes, with their causes.
	// +optional
	// +listType=atomic
	FailingProbes []FailingProbe `json:"failingProbes,omitempty"`
}

// NodeCounts counts nodes.
type NodeCounts struct {
	// Nodes that should carry the lab.
	Selected int32 `json:"selected"`
	// Of these, nodes on which the lab is there as described.
	Realized int32 `json:"realized"`
	// Of these, nodes on which every probe has the expected outcome.
	Reachable int32 `json:"reachable"`
	// Of these, nodes whose agent is silent.
	Unknown int32 `json:"unknown"`
	// Ready nodes of selected nodes, for people: 3/3.
	// +optional
	Summary string `json:"summary,omitempty"`
}

// NodeSummary is the lab on one node.
type NodeSummary struct {
	// The node's name.
	Name string `json:"name"`
	// Whether the lab is there and reachable on this node.
	Ready metav1.ConditionStatus `json:"ready"`
	// Why not, a reason of the conditions.
	// +optional
	Reason string `json:"reason,omitempty"`
	// The same for people.
	// +optional
	Message string `json:"message,omitempty"`
}

// FailingProbe is a probe whose outcome is not the expected one on some node.
type FailingProbe struct {
	// The cluster node on which it fails.
	Node string `json:"node"`
	// The probe.
	Name string `json:"name"`
	// The family in which it fails.
	Family Family `json:"family"`
	// The diagnosed cause, a reason of the Reachable condition.
	Reason string `json:"reason"`
	// The cause and the cure, for people.
	Message string `json:"message"`
}
