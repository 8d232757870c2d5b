// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// NetLab is a network lab of Linux network namespaces, connected by veth
// pairs. Every selected cluster node builds its own copy of the lab, keeps it
// as the spec describes it, and reports the result in the status.
//
// The API server refuses a lab that violates a range, a pattern or a reference
// of the schema. The controller and the agents check all rules in the
// descriptions of the fields. If a lab violates one, the condition Accepted is
// False with the reason InvalidSpec, and the agents do not change the kernel.
// "kubectl netlab lint" checks the same rules without a cluster.
//
// metadata.name must be a DNS label: at most 63 characters, no dots.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=nl,categories=netlab
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Reachable",type=string,JSONPath=`.status.conditions[?(@.type=="Reachable")].status`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.status.nodes.summary`
// +kubebuilder:printcolumn:name="Probes",type=string,JSONPath=`.status.probes.summary`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.status.ready`
// +kubebuilder:selectablefield:JSONPath=`.status.reason`
// +kubebuilder:selectablefield:JSONPath=`.spec.suspend`
// +kubebuilder:selectablefield:JSONPath=`.spec.driftPolicy`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",message="metadata.name must be at most 63 characters long and have no dots, because the names of network namespaces contain it"
type NetLab struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec describes the lab: its nodes (namespaces, routers and switches), the
	// links between them, the subnets that addresses are taken from, and the
	// probes that test it.
	// +optional
	Spec NetLabSpec `json:"spec,omitempty"`
	// status is the state of the lab, over all selected cluster nodes. NetLab
	// writes it.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1,"ready":"Unknown","reason":"Pending","conditions":{{"type":"Ready","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Accepted","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Realized","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"},{"type":"Reachable","status":"Unknown","reason":"Pending","message":"waiting for the controller","lastTransitionTime":"1970-01-01T00:00:00Z"}}}
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

// NetLabSpec describes a lab: its nodes (namespaces, routers and switches),
// the links between them, the subnets that addresses are taken from, and the
// probes that test it.
//
// +kubebuilder:validation:XValidation:rule="[(has(self.namespaces) ? self.namespaces : []).map(n, n.name) + (has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.links) || self.links.all(l, size(l.endpoints) != 2 || (l.endpoints[0].name in names && l.endpoints[1].name in names)))",message="links[].endpoints[].name must be the name of a namespace, router or switch of this lab",messageExpression="[(has(self.namespaces) ? self.namespaces : []).map(n, n.name) + (has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].map(names, self.links.map(l, !l.endpoints.all(e, e.name in names), l.endpoints.map(e, !(e.name in names), 'link ' + l.name + ': node ' + e.name + ' does not exist; links[].endpoints[].name must be the name of a namespace, router or switch of this lab')[0])[0])[0]"
// +kubebuilder:validation:XValidation:rule="[(has(self.subnets) ? self.subnets : []).map(n, n.name)].all(names, !has(self.links) || self.links.all(l, !has(l.subnet) || l.subnet in names))",message="links[].subnet must be the name of a subnet of this lab",messageExpression="[(has(self.subnets) ? self.subnets : []).map(n, n.name)].map(names, self.links.map(l, has(l.subnet) && !(l.subnet in names), 'link ' + l.name + ': subnet ' + l.subnet + ' does not exist; links[].subnet must be the name of a subnet of this lab')[0])[0]"
// +kubebuilder:validation:XValidation:rule="[(has(self.namespaces) ? self.namespaces : []).map(n, n.name) + (has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.probes) || self.probes.all(p, p.from in names && (!has(p.to) || p.to in names)))",message="probes[].from and probes[].to must be names of nodes of this lab",messageExpression="[(has(self.namespaces) ? self.namespaces : []).map(n, n.name) + (has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].map(names, (self.probes.map(p, !(p.from in names), 'probe ' + p.name + ': node ' + p.from + ' does not exist; probes[].from and probes[].to must be names of nodes of this lab') + self.probes.map(p, has(p.to) && !(p.to in names), 'probe ' + p.name + ': node ' + p.to + ' does not exist; probes[].from and probes[].to must be names of nodes of this lab'))[0])[0]"
// +kubebuilder:validation:XValidation:rule="[(has(self.links) ? self.links : []).map(n, n.name)].all(names, !has(self.probes) || self.probes.all(p, !has(p.link) || p.link in names))",message="probes[].link must be the name of a link of this lab",messageExpression="[(has(self.links) ? self.links : []).map(n, n.name)].map(names, self.probes.map(p, has(p.link) && !(p.link in names), 'probe ' + p.name + ': link ' + p.link + ' does not exist; probes[].link must be the name of a link of this lab')[0])[0]"
// +kubebuilder:validation:XValidation:rule="[(has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.namespaces) || self.namespaces.all(n, !(n.name in names)))",message="names must be unique among namespaces, routers and switches",messageExpression="[(has(self.routers) ? self.routers : []).map(n, n.name) + (has(self.switches) ? self.switches : []).map(n, n.name)].map(names, self.namespaces.map(n, n.name in names, n.name + ' is the name of two nodes; names must be unique among namespaces, routers and switches')[0])[0]"
// +kubebuilder:validation:XValidation:rule="[(has(self.switches) ? self.switches : []).map(n, n.name)].all(names, !has(self.routers) || self.routers.all(n, !(n.name in names)))",message="names must be unique among namespaces, routers and switches",messageExpression="[(has(self.switches) ? self.switches : []).map(n, n.name)].map(names, self.routers.map(n, n.name in names, n.name + ' is the name of two nodes; names must be unique among namespaces, routers and switches')[0])[0]"
// +kubebuilder:validation:XValidation:rule="[(has(self.subnets) ? self.subnets : []).map(n, n.name)].all(names, !has(self.switches) || self.switches.all(s, !has(s.subnet) || s.subnet in names))",message="switches[].subnet must be the name of a subnet of this lab",messageExpression="[(has(self.subnets) ? self.subnets : []).map(n, n.name)].map(names, self.switches.map(s, has(s.subnet) && !(s.subnet in names), 'switch ' + s.name + ': subnet ' + s.subnet + ' does not exist; switches[].subnet must be the name of a subnet of this lab')[0])[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.switches) || [(has(self.subnets) ? self.subnets : []).map(n, n.name)].all(names, self.switches.map(s, has(s.vlans) ? size(s.vlans) : 0).sum() * size(names) > 400000 || self.switches.all(s, !has(s.vlans) || s.vlans.all(v, !has(v.subnet) || size(v.subnet) == 0 || v.subnet in names)))",message="switches[].vlans[].subnet must be the name of a subnet of this lab",messageExpression="[(has(self.subnets) ? self.subnets : []).map(n, n.name)].map(names, self.switches.map(s, has(s.vlans) && s.vlans.exists(v, has(v.subnet) && size(v.subnet) > 0 && !(v.subnet in names)), s.vlans.map(v, has(v.subnet) && size(v.subnet) > 0 && !(v.subnet in names), 'switch ' + s.name + ': subnet ' + v.subnet + ' does not exist; switches[].vlans[].subnet must be the name of a subnet of this lab')[0])[0])[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.links) || [(has(self.subnets) ? self.subnets : []).map(n, n.name)].all(names, self.links.map(l, l.endpoints.map(e, has(e.subinterfaces) ? size(e.subinterfaces) : 0).sum()).sum() * size(names) > 400000 || self.links.all(l, l.endpoints.all(e, !has(e.subinterfaces) || e.subinterfaces.all(v, !has(v.subnet) || size(v.subnet) == 0 || v.subnet in names))))",message="links[].endpoints[].subinterfaces[].subnet must be the name of a subnet of this lab",messageExpression="[(has(self.subnets) ? self.subnets : []).map(n, n.name)].map(names, self.links.map(l, l.endpoints.exists(e, has(e.subinterfaces) && e.subinterfaces.exists(v, has(v.subnet) && size(v.subnet) > 0 && !(v.subnet in names))), 'link ' + l.name + ': the subnet of a subinterface does not exist; links[].endpoints[].subinterfaces[].subnet must be the name of a subnet of this lab')[0])[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.links) || [(has(self.switches) ? self.switches : []).map(n, n.name)].all(names, self.links.all(l, !has(l.subnet) || !l.endpoints.all(e, e.name in names)))",message="a link between two switches must not have a subnet: write it at one of the switches",messageExpression="[(has(self.switches) ? self.switches : []).map(n, n.name)].map(names, self.links.map(l, has(l.subnet) && l.endpoints.all(e, e.name in names), 'link ' + l.name + ': a link between two switches must not have a subnet: write it at one of the switches')[0])[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.links) || [(has(self.switches) ? self.switches : []).map(n, n.name)].all(names, self.links.all(l, l.endpoints.all(e, !(has(e.addresses) && size(e.addresses) > 0 || has(e.mac) || has(e.subinterfaces) && size(e.subinterfaces) > 0) || !(e.name in names))))",message="addresses, mac and subinterfaces are not allowed at the end of a switch",messageExpression="[(has(self.switches) ? self.switches : []).map(n, n.name)].map(names, self.links.map(l, l.endpoints.exists(e, (has(e.addresses) && size(e.addresses) > 0 || has(e.mac) || has(e.subinterfaces) && size(e.subinterfaces) > 0) && e.name in names), l.endpoints.map(e, (has(e.addresses) && size(e.addresses) > 0 || has(e.mac) || has(e.subinterfaces) && size(e.subinterfaces) > 0) && e.name in names, 'link ' + l.name + ' at ' + e.name + ': addresses, mac and subinterfaces are not allowed at the end of a switch')[0])[0])[0]"
// +kubebuilder:validation:XValidation:rule="!has(self.links) || [(has(self.switches) ? self.switches : []).filter(s, has(s.vlanFiltering) && s.vlanFiltering == 'Enabled').map(s, s.name)].all(names, self.links.all(l, l.endpoints.all(e, !(has(e.vlan) || has(e.vlans) || has(e.nativeVLAN)) || e.name in names)))",message="vlan, vlans and nativeVLAN are allowed only at a switch with vlanFiltering: Enabled",messageExpression="[(has(self.switches) ? self.switches : []).filter(s, has(s.vlanFiltering) && s.vlanFiltering == 'Enabled').map(s, s.name)].map(names, self.links.map(l, l.endpoints.exists(e, (has(e.vlan) || has(e.vlans) || has(e.nativeVLAN)) && !(e.name in names)), l.endpoints.map(e, (has(e.vlan) || has(e.vlans) || has(e.nativeVLAN)) && !(e.name in names), 'link ' + l.name + ' at ' + e.name + ': vlan, vlans and nativeVLAN are allowed only at a switch with vlanFiltering: Enabled')[0])[0])[0]"
type NetLabSpec struct {
	// routing is the source of the routes. Auto installs the shortest paths at
	// every node. Manual installs only the routes that the lab lists, in the field
	// routes of each node. Defaults to Auto.
	// +optional
	// +kubebuilder:default=Auto
	Routing Routing `json:"routing,omitempty"`
	// driftPolicy is the reaction to a kernel that differs from the spec. Correct
	// restores the state that the spec describes. Report leaves the difference and
	// sets the condition Drifted; a new generation of the spec is still applied
	// once. Defaults to Correct.
	// +optional
	// +kubebuilder:default=Correct
	DriftPolicy DriftPolicy `json:"driftPolicy,omitempty"`
	// neighbors is the source of the neighbour entries (ARP, neighbour discovery).
	// Learned leaves them to the kernel, whose table all labs of a machine share
	// and which is small. Static writes permanent entries, which do not count in
	// that table: next hops of routes and the nodes that use them, what probes
	// need, and all nodes of segments with at most 16 interfaces. Defaults to
	// Learned.
	// +optional
	// +kubebuilder:default=Learned
	Neighbors Neighbors `json:"neighbors,omitempty"`
	// suspend stops all work on the lab: while it is true, NetLab does not build,
	// change, correct or probe it. What exists stays. Deleting the NetLab still
	// removes the lab. Defaults to false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
	// placement selects the cluster nodes that build the lab. Defaults to all
	// cluster nodes that run an agent.
	// +optional
	Placement *Placement `json:"placement,omitempty"`

	// namespaces are the hosts: network namespaces that do not forward. At most
	// 256. Names must be unique among namespaces, routers and switches.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Namespaces []Namespace `json:"namespaces,omitempty"`
	// routers are network namespaces that forward IPv4 and IPv6. At most 128.
	// Names must be unique among namespaces, routers and switches.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=128
	Routers []Router `json:"routers,omitempty"`
	// switches are bridges, each in its own network namespace. At most 64. Names
	// must be unique among namespaces, routers and switches.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Switches []Switch `json:"switches,omitempty"`
	// subnets are named address ranges. Links and switches refer to them. At most
	// 256.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Subnets []Subnet `json:"subnets,omitempty"`
	// links are the cables. Each is one veth pair between two nodes. At most 512.
	// Their order matters: derived addresses are assigned in this order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=512
	Links []Link `json:"links,omitempty"`
	// probes are pings between nodes, repeated while the lab is realized. The
	// condition Reachable has their result. At most 256.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Probes []Probe `json:"probes,omitempty"`
}

// Routing is the source of the routes.
//
// +kubebuilder:validation:Enum=Auto;Manual
type Routing string

// Values of Routing.
const (
	RoutingAuto   Routing = "Auto"
	RoutingManual Routing = "Manual"
)

// DriftPolicy is the reaction to a kernel that differs from the spec.
//
// +kubebuilder:validation:Enum=Correct;Report
type DriftPolicy string

// Values of DriftPolicy.
const (
	DriftCorrect DriftPolicy = "Correct"
	DriftReport  DriftPolicy = "Report"
)

// Neighbors is the source of the neighbour entries.
//
// +kubebuilder:validation:Enum=Learned;Static
type Neighbors string

// Values of Neighbors.
const (
	NeighborsLearned Neighbors = "Learned"
	NeighborsStatic  Neighbors = "Static"
)

// Placement selects cluster nodes.
type Placement struct {
	// nodeSelector selects the cluster nodes with matching labels, of those that
	// run an agent. An empty or absent selector selects all of them.
	// +optional
	NodeSelector *NodeSelector `json:"nodeSelector,omitempty"`
	// maxUnavailable is how many selected cluster nodes may fail to report: a
	// number, or a percentage from 0% to 100%, rounded down. If more do not
	// report, or none reports, Realized and Reachable are Unknown with the reason
	// NodesUnavailable. Defaults to 0.
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^(100|[1-9]?[0-9])%$`
	// +kubebuilder:validation:XValidation:rule="type(self) != int || self >= 0 && self <= 2147483647",message="must be a number of nodes (0 or more) or a percentage from 0% to 100%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// NodeSelector selects cluster nodes by their labels, as the selector of a
// Deployment selects pods. A node must match all of it.
//
// +structType=atomic
type NodeSelector struct {
	// matchLabels are labels that a node must have.
	// +optional
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
	// matchExpressions are conditions that the labels of a node must meet. At most
	// 32.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	MatchExpressions []NodeSelectorRequirement `json:"matchExpressions,omitempty"`
}

// NodeSelectorRequirement is a condition on one label of a node.
//
// +kubebuilder:validation:XValidation:rule="(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",message="In and NotIn require values, Exists and DoesNotExist must have none",messageExpression="self.key + ' with ' + self.operator + ': In and NotIn require values, Exists and DoesNotExist must have none'"
type NodeSelectorRequirement struct {
	// key is the key of the label.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	Key string `json:"key"`
	// operator relates the label to values: In, NotIn, Exists or DoesNotExist.
	Operator SelectorOperator `json:"operator"`
	// values are values of the label. In and NotIn require them, Exists and
	// DoesNotExist must have none. At most 64.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Values []LabelValue `json:"values,omitempty"`
}

// LabelValue is the value of a label: at most 63 letters, digits, '-', '_' and
// '.', with a letter or a digit at both ends.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`
type LabelValue = string

// SelectorOperator relates a label to values.
//
// +kubebuilder:validation:Enum=In;NotIn;Exists;DoesNotExist
type SelectorOperator = string

// Namespace is a host: a network namespace that does not forward.
type Namespace struct {
	// name is the name of the host: a DNS label of at most 15 characters, not lo,
	// all or default.
	Name Name `json:"name"`

	NodeConfig `json:",inline"`
}

// Router is a network namespace that forwards.
type Router struct {
	// name is the name of the router: a DNS label of at most 15 characters, not
	// lo, all or default.
	Name Name `json:"name"`
	// forwarding turns the forwarding of IPv4 and IPv6 packets in the router's
	// kernel on or off. Disabled does not change any route: other nodes still send
	// packets to the router, which drops them. Defaults to Enabled.
	// +optional
	Forwarding Toggle `json:"forwarding,omitempty"`

	NodeConfig `json:",inline"`
}

// Switch is a bridge, br0, in its own network namespace. Links to a switch,
// and to switches connected to it, form one segment, that is, one broadcast
// domain. With vlanFiltering each VLAN is a segment.
//
// +kubebuilder:validation:XValidation:rule="!has(self.vlanFiltering) || self.vlanFiltering != 'Enabled' || (!has(self.subnet) && !has(self.addresses))",message="with vlanFiltering: Enabled, subnet and addresses must be in vlans[]"
// +kubebuilder:validation:XValidation:rule="!has(self.vlans) || (has(self.vlanFiltering) && self.vlanFiltering == 'Enabled')",message="vlans requires vlanFiltering: Enabled"
type Switch struct {
	// name is the name of the switch: a DNS label of at most 15 characters, not
	// lo, all or default.
	Name Name `json:"name"`
	// subnet is the subnet of the switch's segment. Interfaces on the segment take
	// their addresses from it. All switches and links of a segment must agree. Not
	// allowed with vlanFiltering: Enabled; use vlans[].subnet.
	// +optional
	Subnet SubnetName `json:"subnet,omitempty"`
	// stp turns the spanning tree protocol (IEEE 802.1D, forward delay 2 seconds)
	// on or off. Every switch on a cycle of links between switches must have
	// Enabled. Defaults to Disabled.
	// +optional
	STP Toggle `json:"stp,omitempty"`
	// vlanFiltering turns VLANs (IEEE 802.1Q) on or off. With Enabled, each port
	// has VLANs: see vlan, vlans and nativeVLAN of links[].endpoints[]. Defaults
	// to Disabled.
	// +optional
	VLANFiltering Toggle `json:"vlanFiltering,omitempty"`
	// vlans gives VLANs a subnet and the switch addresses in them. A VLAN without
	// either needs no entry. Requires vlanFiltering: Enabled. At most 64.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=64
	VLANs []SwitchVLAN `json:"vlans,omitempty"`
	// addresses are the switch's own addresses, on br0, each with its prefix
	// length, such as 192.0.2.1/24. Without an entry the switch has none. Not
	// allowed with vlanFiltering: Enabled; use vlans[].addresses. At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
	// forwarding makes the switch a layer 3 switch: with Enabled it routes between
	// its segments, and counts as a router for derived routes. Defaults to
	// Disabled.
	// +optional
	Forwarding Toggle `json:"forwarding,omitempty"`

	NodeConfig `json:",inline"`
}

// SwitchVLAN is one VLAN of a switch.
type SwitchVLAN struct {
	// id is the VLAN ID, from 1 to 4094.
	ID VLANID `json:"id"`
	// subnet is the subnet of the VLAN's segment. Interfaces on the segment take
	// their addresses from it. All switches and links of a segment must agree.
	// +optional
	Subnet SubnetName `json:"subnet,omitempty"`
	// addresses are the switch's own addresses in this VLAN, on the interface
	// br0.ID, each with its prefix length. Without an entry the switch has none.
	// At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
}

// NodeConfig has the fields that namespaces, routers and switches share.
type NodeConfig struct {
	// loopbacks are addresses on lo, each with its prefix length, such as
	// 10.255.0.1/32 or fd00::1/128. The first of a family is the address that
	// probes to this node use. Link-local addresses are not allowed. At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(a, !isCIDR(a) || !(cidr(a).ip().family() == 6 && cidr(a).ip().isLinkLocalUnicast()))",message="a loopback must not be an IPv6 link-local address"
	Loopbacks []InterfaceAddress `json:"loopbacks,omitempty"`
	// routes are routes of this node. With routing: Auto, a route here replaces
	// the derived one to the same prefix. At most 64.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Routes []Route `json:"routes,omitempty"`
	// sysctls are kernel settings of this node's network namespace. The list of
	// settings is closed: see the values of name. At most 32.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Sysctls []Sysctl `json:"sysctls,omitempty"`
}

// Route is a route in the main routing table of a node. It has exactly one of
// via (or link), nextHops, and a type other than Unicast.
//
// +kubebuilder:validation:XValidation:rule="(has(self.via) || has(self.link) ? 1 : 0) + (has(self.nextHops) ? 1 : 0) + (has(self.type) && self.type != 'Unicast' ? 1 : 0) == 1",message="a route must have exactly one of via (or link), nextHops, and a type other than Unicast"
// +kubebuilder:validation:XValidation:rule="!has(self.onLink) || !self.onLink || (has(self.via) && has(self.link))",message="onLink requires via and link"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self.to) || cidr(self.to) == cidr(self.to).masked()",message="to must be a prefix without host bits, such as 10.9.0.0/24",messageExpression="self.to + ' has host bits set; to must be a prefix without host bits, such as 10.9.0.0/24'"
// +kubebuilder:validation:XValidation:rule="!has(self.src) || !has(self.type) || self.type == 'Unicast'",message="src is only for type Unicast"
type Route struct {
	// to is the destination: default, the name of a subnet of the lab, or a prefix
	// without host bits, such as 10.9.0.0/24. default and a subnet with prefixes
	// of both families stand for one route in each family that this node and the
	// next hop have addresses of.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=49
	To string `json:"to"`
	// via is the next hop: the name of a node on the same segment, or an IP
	// address on a prefix that this node is connected to.
	// +optional
	Via Gateway `json:"via,omitempty"`
	// link is the link to the next hop. It is required if several links lead to
	// via. Without via, the destination is directly connected to the link.
	// +optional
	Link LinkName `json:"link,omitempty"`
	// onLink treats the address in via as reachable over link even if this node
	// has no prefix that contains it. Requires via and link. Defaults to false.
	// +optional
	OnLink bool `json:"onLink,omitempty"`
	// src is the source address for packets that take this route, unless a program
	// chooses another. Must be an address of this node. Only for type Unicast.
	// Defaults to the kernel's choice.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Src IPAddress `json:"src,omitempty"`
	// nextHops are the next hops of a multipath route. The kernel distributes
	// flows over them by weight. 1 to 4 entries.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	NextHops []NextHop `json:"nextHops,omitempty"`
	// type is what the kernel does with a matching packet. Unicast forwards it.
	// Blackhole drops it silently. Unreachable and Prohibit drop it and answer
	// with an ICMP error. Defaults to Unicast.
	// +optional
	Type RouteType `json:"type,omitempty"`
	// metric is the priority of the route: of the routes to one destination, the
	// kernel uses the one with the lowest metric. From 0 to 2147483647. Defaults
	// to 0 for IPv4. For IPv6, 0 means 1024.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Metric int64 `json:"metric,omitempty"`
}

// RouteType is what the kernel does with a packet that matches a route.
//
// +kubebuilder:validation:Enum=Unicast;Blackhole;Unreachable;Prohibit
type RouteType string

// Values of RouteType. The empty string means Unicast.
const (
	RouteUnicast     RouteType = "Unicast"
	RouteBlackhole   RouteType = "Blackhole"
	RouteUnreachable RouteType = "Unreachable"
	RouteProhibit    RouteType = "Prohibit"
)

// NextHop is one next hop of a multipath route.
type NextHop struct {
	// via is the next hop: the name of a node on the same segment, or an IP
	// address on a prefix that this node is connected to.
	Via Gateway `json:"via"`
	// link is the link to the next hop. It is required if several links lead to
	// via.
	// +optional
	Link LinkName `json:"link,omitempty"`
	// weight is this next hop's share of the flows, relative to the other weights
	// of the route. From 1 to 256. Defaults to 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	Weight int32 `json:"weight,omitempty"`
}

// Sysctl is one kernel setting.
//
// +kubebuilder:validation:XValidation:rule="type(self.value) != int || self.value >= (self.name in ['net.ipv4.ip_default_ttl', 'net.ipv6.conf.all.hop_limit', 'net.ipv6.conf.default.hop_limit'] ? 1 : 0)",message="must be 0 or more, and 1 or more for ip_default_ttl and hop_limit",messageExpression="self.name + ' must be 0 or more, and 1 or more for ip_default_ttl and hop_limit'"
// +kubebuilder:validation:XValidation:rule="type(self.value) != int || self.value <= (self.name == 'net.ipv4.tcp_ecn' ? 2 : self.name == 'net.ipv4.icmp_echo_ignore_all' ? 1 : self.name in ['net.ipv4.fib_multipath_hash_policy', 'net.ipv6.fib_multipath_hash_policy', 'net.ipv6.auto_flowlabels'] ? 3 : 255)",message="must be at most 2 for tcp_ecn, 3 for fib_multipath_hash_policy and auto_flowlabels, 1 for icmp_echo_ignore_all, 255 for the others",messageExpression="self.name + ' exceeds its maximum: 2 for tcp_ecn, 3 for fib_multipath_hash_policy and auto_flowlabels, 1 for icmp_echo_ignore_all, 255 for the others'"
type Sysctl struct {
	// name is the setting, as sysctl(8) names it. Without an entry a setting has
	// the value 0, with these exceptions: net.ipv4.ip_default_ttl and hop_limit
	// are 64, net.ipv4.tcp_ecn is 2, net.ipv4.conf.default.accept_source_route is
	// 1. The settings of the host have no effect.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Enum=net.ipv4.conf.all.rp_filter;net.ipv4.conf.default.rp_filter;net.ipv4.conf.all.arp_ignore;net.ipv4.conf.default.arp_ignore;net.ipv4.conf.all.arp_announce;net.ipv4.conf.default.arp_announce;net.ipv4.conf.all.proxy_arp;net.ipv4.conf.default.proxy_arp;net.ipv4.conf.all.accept_redirects;net.ipv4.conf.default.accept_redirects;net.ipv4.conf.all.send_redirects;net.ipv4.conf.default.send_redirects;net.ipv4.conf.all.log_martians;net.ipv4.conf.default.log_martians;net.ipv4.conf.all.accept_source_route;net.ipv4.conf.default.accept_source_route;net.ipv4.ip_default_ttl;net.ipv4.fib_multipath_hash_policy;net.ipv4.icmp_echo_ignore_all;net.ipv4.tcp_ecn;net.ipv6.conf.all.accept_redirects;net.ipv6.conf.default.accept_redirects;net.ipv6.conf.all.hop_limit;net.ipv6.conf.default.hop_limit;net.ipv6.auto_flowlabels;net.ipv6.fib_multipath_hash_policy
	Name string `json:"name"`
	// value is an integer: from 1 to 255 for ip_default_ttl and hop_limit, from 0
	// to 2 for tcp_ecn, from 0 to 3 for fib_multipath_hash_policy and
	// auto_flowlabels, 0 or 1 for icmp_echo_ignore_all, from 0 to 255 for the
	// others.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])$`
	Value intstr.IntOrString `json:"value"`
}

// Subnet is a named address range. A host takes the lowest free address of its
// segment's subnet, a router the highest.
type Subnet struct {
	// name is the name of the subnet: a DNS label of at most 15 characters, not
	// lo, all or default. Must be unique among subnets.
	Name Name `json:"name"`
	// cidrs are the prefixes of the subnet: one for IPv4, one for IPv6, or both.
	// They must have no host bits, such as 192.0.2.0/24 or fd00:1::/64. Multicast,
	// loopback and link-local prefixes are not allowed.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="size(self) < 2 || cidr(self[0]).ip().family() != cidr(self[1]).ip().family()",message="a subnet must have at most one prefix per address family"
	// +kubebuilder:validation:XValidation:rule="self.all(p, !isCIDR(p) || cidr(p).ip().isGlobalUnicast() || cidr(p).ip().family() == 4 && cidr(p).ip().isLinkLocalUnicast())",message="a prefix must be unicast: multicast, loopback and IPv6 link-local prefixes are not allowed"
	CIDRs []Prefix `json:"cidrs"`
}

// Link is one veth pair. Its two interfaces are in the network namespaces of
// its endpoints. A link between two nodes that are not switches is one
// segment, that is, one broadcast domain. Links to a switch, and to switches
// connected to it, form one segment together.
//
// +kubebuilder:validation:XValidation:rule="!(self.name in ['erspan0', 'gre0', 'gretap0', 'ip6gre0', 'ip6tnl0', 'sit0', 'tunl0']) || self.endpoints.all(e, has(e.interface))",message="the interfaces of a link have its name, which must not be that of a tunnel device of the kernel, such as tunl0",messageExpression="self.name + ' is the name of a tunnel device that the kernel makes in every namespace if the module is loaded; write another name, or interface at both ends'"
type Link struct {
	// name is the name of the link and, unless endpoints[].interface has another,
	// of its interface at each end. A DNS label of at most 15 characters, not lo,
	// all or default.
	Name Name `json:"name"`
	// subnet is the subnet of the link's segment. Interfaces on the segment take
	// their addresses from it. All switches and links of a segment must agree. Not
	// allowed on a link between two switches.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Subnet SubnetName `json:"subnet,omitempty"`
	// mtu is the MTU of both interfaces, in bytes, from 68 to 65535. The kernel
	// has no IPv6 on an interface with an MTU below 1280. Defaults to 1500.
	// +optional
	MTU MTU `json:"mtu,omitempty"`
	// state is the administrative state of both interfaces. Down is a cut cable,
	// and derived routes avoid the link. Defaults to Up.
	// +optional
	State LinkState `json:"state,omitempty"`
	// impairment degrades the packets of both directions, as tc-netem(8) does.
	// Requires netem in the kernel of the cluster node; for rate alone, tbf is
	// enough.
	// +optional
	Impairment *Impairment `json:"impairment,omitempty"`
	// endpoints are the two ends of the link, at two different nodes. Their order
	// matters: derived addresses are assigned in this order. Under server-side
	// apply, a program that lists one end owns only the fields that it lists there,
	// and the order stays.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=2
	Endpoints []Endpoint `json:"endpoints"`
}

// LinkState is the administrative state of a link.
//
// +kubebuilder:validation:Enum=Up;Down
type LinkState string

// Values of LinkState. The empty string means Up.
const (
	LinkUp   LinkState = "Up"
	LinkDown LinkState = "Down"
)

// Endpoint is one end of a link: an interface of a node.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.vlan) && (has(self.vlans) || has(self.nativeVLAN)))",message="write vlan for an access port, or vlans and nativeVLAN for a trunk, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.interface) || !(self.interface in ['erspan0', 'gre0', 'gretap0', 'ip6gre0', 'ip6tnl0', 'sit0', 'tunl0'])",message="interface must not be the name of a tunnel device of the kernel, such as tunl0",messageExpression="self.interface + ' is the name of a tunnel device that the kernel makes in every namespace if the module is loaded; write another interface name'"
type Endpoint struct {
	// name is the name of the namespace, router or switch that has the interface.
	Name NodeName `json:"name"`
	// interface is the name of the interface: a DNS label of at most 15
	// characters, not lo, all or default. Must be unique in the node. Defaults to
	// the name of the link.
	// +optional
	Interface Name `json:"interface,omitempty"`
	// addresses are the addresses of the interface, each with its prefix length,
	// such as 192.0.2.1/24. They replace the derived addresses of their family; an
	// IPv6 link-local address, such as fe80::1/64, replaces only the derived
	// link-local address. Not allowed at a switch. At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
	// mac is the MAC address of the interface, such as 02:00:00:00:00:01. Must be
	// unicast, and unique on the segment. Not allowed at a switch. Defaults to a
	// locally administered address derived from the names of the lab, the node and
	// the interface.
	// +optional
	MAC MACAddress `json:"mac,omitempty"`
	// mtu is the MTU of this interface, in bytes, from 68 to 65535. Defaults to
	// the MTU of the link.
	// +optional
	MTU MTU `json:"mtu,omitempty"`
	// impairment degrades the packets that this end sends, as tc-netem(8) does.
	// For this direction it replaces the impairment of the link as a whole.
	// +optional
	Impairment *Impairment `json:"impairment,omitempty"`
	// vlan makes the port an access port of this VLAN, from 1 to 4094. Only at a
	// switch with vlanFiltering: Enabled, and not with vlans or nativeVLAN.
	// Defaults to 1 for a port to a host or a router.
	// +optional
	VLAN VLANID `json:"vlan,omitempty"`
	// vlans makes the port a trunk that carries these VLANs tagged, each from 1 to
	// 4094. Only at a switch with vlanFiltering: Enabled. Defaults to all VLANs of
	// the lab for a port to another switch. 1 to 64 entries.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	VLANs []VLANID `json:"vlans,omitempty"`
	// nativeVLAN is the VLAN that a trunk carries untagged, from 1 to 4094. Only
	// at a switch with vlanFiltering: Enabled. Without it the trunk drops untagged
	// frames.
	// +optional
	NativeVLAN VLANID `json:"nativeVLAN,omitempty"`
	// subinterfaces are VLAN interfaces on top of this one, as on a router on a
	// stick. Only at a namespace or a router. At most 16.
	// +optional
	// +listType=map
	// +listMapKey=vlan
	// +kubebuilder:validation:MaxItems=16
	Subinterfaces []Subinterface `json:"subinterfaces,omitempty"`
}

// Subinterface is an interface for one VLAN on top of the interface of a link.
//
// +kubebuilder:validation:XValidation:rule="!has(self.name) || !(self.name in ['erspan0', 'gre0', 'gretap0', 'ip6gre0', 'ip6tnl0', 'sit0', 'tunl0'])",message="name must not be that of a tunnel device of the kernel, such as tunl0",messageExpression="self.name + ' is the name of a tunnel device that the kernel makes in every namespace if the module is loaded; write another name'"
type Subinterface struct {
	// vlan is the VLAN ID, from 1 to 4094. Must be unique on the interface.
	VLAN VLANID `json:"vlan"`
	// name is the name of the subinterface: a DNS label of at most 15 characters,
	// not lo, all or default. Must be unique in the node. Defaults to
	// INTERFACE.VLAN, such as eth0.10, which must not exceed 15 characters either.
	// +optional
	Name Name `json:"name,omitempty"`
	// subnet is the subnet of the subinterface's segment. The switches of the VLAN
	// can name it instead; if both do, they must agree.
	// +optional
	Subnet SubnetName `json:"subnet,omitempty"`
	// addresses are the addresses of the subinterface, each with its prefix
	// length, such as 192.0.2.1/24. They replace the derived addresses of their
	// family; an IPv6 link-local address, such as fe80::1/64, replaces only the
	// derived link-local address. At most 8.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Addresses []InterfaceAddress `json:"addresses,omitempty"`
}

// Impairment degrades packets, as tc-netem(8) does. Without any field it does
// nothing.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.jitter) && duration(self.jitter) > duration('0s') || has(self.reorder) && self.reorder.matches('[1-9]')) || has(self.delay) && duration(self.delay) > duration('0s')",message="jitter and reorder require a delay: write delay as well"
// +kubebuilder:validation:XValidation:rule="!has(self.delay) || duration(self.delay) <= duration('60s')",message="delay must be at most 60s"
// +kubebuilder:validation:XValidation:rule="!has(self.jitter) || duration(self.jitter) <= duration('2.147483647s')",message="jitter must be at most 2.147s"
type Impairment struct {
	// delay is added to the transit time of each packet, such as 10ms, 250us or
	// 1.5s. From 0s to 60s. Defaults to 0s.
	// +optional
	Delay Duration `json:"delay,omitempty"`
	// jitter is the largest deviation of a packet's delay from the value of delay,
	// in either direction. At most 2.147s. Requires delay. Defaults to 0s.
	// +optional
	Jitter Duration `json:"jitter,omitempty"`
	// loss is the percentage of packets that are dropped, such as 0.5%. Defaults
	// to 0%.
	// +optional
	Loss Percentage `json:"loss,omitempty"`
	// duplicate is the percentage of packets that are sent twice. Defaults to 0%.
	// +optional
	Duplicate Percentage `json:"duplicate,omitempty"`
	// corrupt is the percentage of packets in which one random bit is inverted.
	// Defaults to 0%.
	// +optional
	Corrupt Percentage `json:"corrupt,omitempty"`
	// reorder is the percentage of packets that are sent without the delay, and so
	// overtake others. Requires delay. Defaults to 0%.
	// +optional
	Reorder Percentage `json:"reorder,omitempty"`
	// rate limits the bits per second, such as 64kbit, 10Mbit or 1Gbit. The units
	// are decimal. From 8bit to 1000Gbit. Defaults to no limit.
	// +optional
	Rate BitRate `json:"rate,omitempty"`
}

// Probe is a ping from one node to another, or to an address, and the expected
// outcome. It runs while the lab is realized. Until it has a result for a new
// generation of the lab, attempts follow each other without a pause.
//
// +kubebuilder:validation:XValidation:rule="has(self.to) != has(self.toAddress)",message="a probe must have exactly one of to and toAddress"
// +kubebuilder:validation:XValidation:rule="!has(self.toAddress) || !isIP(self.toAddress) || (ip(self.toAddress).family() == 6 && ip(self.toAddress).isLinkLocalUnicast()) == has(self.link)",message="a link-local toAddress requires link, and no other probe may have it"
// +kubebuilder:validation:XValidation:rule="!has(self.to) || !has(self.link)",message="link is only for a link-local toAddress"
// +kubebuilder:validation:XValidation:rule="!has(self.toAddress) || !isIP(self.toAddress) || !has(self.family) || (self.family == 'IPv4') == (ip(self.toAddress).family() == 4)",message="toAddress must be an address of the family"
type Probe struct {
	// name is the name of the probe: a DNS label of at most 63 characters.
	Name ProbeName `json:"name"`
	// from is the name of the node that sends the ping.
	From NodeName `json:"from"`
	// to is the name of the node that is pinged, at its first loopback, or at its
	// first other address if it has no loopback. The probe runs in each address
	// family that both nodes have; they must have one in common. Exactly one of to
	// and toAddress is required.
	// +optional
	To NodeName `json:"to,omitempty"`
	// toAddress is the IP address that is pinged. It must be in a prefix of the
	// lab, be it of a subnet, an interface, a loopback or a written route, unless
	// expect is Unreachable. Exactly one of to and toAddress is required.
	// +optional
	ToAddress IPAddress `json:"toAddress,omitempty"`
	// link is the link of the sending node over which a link-local toAddress is
	// pinged. Required for such an address, and not allowed otherwise.
	// +optional
	Link LinkName `json:"link,omitempty"`
	// expect is the outcome that lets the probe pass. Reachable: a reply arrives.
	// Unreachable: no reply arrives. Defaults to Reachable.
	// +optional
	Expect Expectation `json:"expect,omitempty"`
	// family limits the probe to one address family. Defaults to every family that
	// both ends have.
	// +optional
	Family Family `json:"family,omitempty"`
	// periodSeconds is the time between attempts once the probe has a result, in
	// seconds, from 1 to 3600. Defaults to 10.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	PeriodSeconds int32 `json:"periodSeconds,omitempty"`
	// timeoutSeconds is the time to wait for a reply, in seconds, from 1 to 60.
	// Defaults to 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=60
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
	// failureThreshold is the number of consecutive attempts without a reply after
	// which the destination counts as unreachable, from 1 to 20. One reply is
	// enough to count as reachable. Defaults to 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	FailureThreshold int32 `json:"failureThreshold,omitempty"`
	// sizeBytes is the size of the ICMP payload in bytes, from 24 to 65000. It
	// also sets the don't-fragment bit, so that the probe tests the MTU of the
	// path. Defaults to 24 bytes without the bit.
	// +optional
	// +kubebuilder:validation:Minimum=24
	// +kubebuilder:validation:Maximum=65000
	SizeBytes int32 `json:"sizeBytes,omitempty"`
}

// Expectation is the outcome that lets a probe pass.
//
// +kubebuilder:validation:Enum=Reachable;Unreachable
type Expectation string

// Values of Expectation. The empty string means Reachable.
const (
	ExpectReachable   Expectation = "Reachable"
	ExpectUnreachable Expectation = "Unreachable"
)

// Family is an address family.
//
// +kubebuilder:validation:Enum=IPv4;IPv6
type Family string

// Values of Family. The empty string means every family both ends have.
const (
	IPv4 Family = "IPv4"
	IPv6 Family = "IPv6"
)

// NetLabStatus is the state of a lab, over all selected cluster nodes.
type NetLabStatus struct {
	// observedGeneration is the generation of the spec that this status describes.
	// It is -1 until the controller has seen the lab.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// ready is the status of the condition Ready: True, False or Unknown. It is a
	// field of its own so that a field selector can have it.
	// +optional
	Ready metav1.ConditionStatus `json:"ready,omitempty"`
	// reason is the reason of the condition Ready. It is a field of its own so
	// that a field selector can have it.
	// +optional
	Reason string `json:"reason,omitempty"`
	// conditions describe the lab over all selected cluster nodes. False on one
	// node outweighs Unknown, and Unknown outweighs True. Ready, Accepted,
	// Realized and Reachable are always present. Reconciling, Stalled and Drifted
	// are present only while they are True.
	//
	// Accepted: the spec is valid.
	// True: Valid. False: InvalidSpec. Unknown: Pending.
	//
	// Realized: the kernel of every node holds the lab as the spec describes it.
	// True: Realized.
	// False: Progressing, Conflict, KernelFeatureMissing, KernelError,
	// LimitExceeded, NoNodesSelected, Drifted.
	// Unknown: Pending, NotAccepted, NodesUnavailable, Suspended,
	// ObservationFailed.
	//
	// Reachable: every probe has its expected outcome on every node. A reason for
	// False is the diagnosed cause of a failing probe.
	// True: AllProbesPass, NoProbes.
	// False: NetworkUnreachable, ForwardingDisabled, NoReturnRoute, LinkDown,
	// RouteRejects, RoutingLoop, SourceFiltered, MessageTooBig, DifferentVLAN,
	// SpanningTree, HostUnreachable, DuplicateAddress, TTLExceeded, EchoIgnored,
	// Impaired, NoReply, UnexpectedReply.
	// Unknown: Pending, SpanningTree, NotAccepted, NotRealized, NodesUnavailable,
	// Suspended, ProbeError.
	//
	// Ready: Accepted, Realized and Reachable are True.
	// True: Ready. Otherwise the reason of the first of them that is False or, if
	// none is, of the first that is Unknown; Progressing while the first results
	// of probes are missing.
	//
	// Reconciling: NetLab is building the lab or waits for the first results of
	// its probes. True: Progressing.
	//
	// Stalled: the lab needs a change by a user or an administrator.
	// True: the reason of Ready.
	//
	// Drifted: a kernel differs from the spec, and driftPolicy is Report.
	// True: Drifted.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// nodes counts the selected cluster nodes by their state.
	// +optional
	Nodes NodeCounts `json:"nodes,omitempty"`
	// probes counts the probes of the lab by their outcome on all selected cluster
	// nodes.
	// +optional
	Probes ProbeCounts `json:"probes,omitempty"`
	// nodeSummaries describes up to 16 selected cluster nodes, those with
	// Ready=False first, then Unknown, then True.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	NodeSummaries []NodeSummary `json:"nodeSummaries,omitempty"`
	// nodeSummariesOmitted is the number of selected cluster nodes that
	// nodeSummaries has no room for.
	// +optional
	NodeSummariesOmitted int32 `json:"nodeSummariesOmitted,omitempty"`
	// failingProbes lists every failing probe, once per address family and cause.
	// Cluster nodes with the same cause share an entry. The first 32 entries have
	// messages. Of more than 32 entries, each probe has one per address family:
	// the cause on most nodes.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=512
	FailingProbes []FailingProbe `json:"failingProbes,omitempty"`
	// failingProbesOmitted is the number of further causes of the listed probes
	// that failingProbes has no room for.
	// +optional
	FailingProbesOmitted int32 `json:"failingProbesOmitted,omitempty"`
}

// NodeCounts counts cluster nodes.
type NodeCounts struct {
	// selected is the number of cluster nodes that placement selects and that run
	// an agent.
	Selected int32 `json:"selected"`
	// realized is the number of selected nodes whose kernel holds the lab as the
	// spec describes it.
	Realized int32 `json:"realized"`
	// reachable is the number of selected nodes on which every probe has its
	// expected outcome.
	Reachable int32 `json:"reachable"`
	// unknown is the number of selected nodes whose agent does not report.
	Unknown int32 `json:"unknown"`
	// summary is the number of ready nodes and of selected nodes, such as 2/3, for
	// the column NODES of kubectl get.
	// +optional
	Summary string `json:"summary,omitempty"`
}

// ProbeCounts counts probes.
type ProbeCounts struct {
	// total is the number of probes in the spec.
	Total int32 `json:"total"`
	// failing is the number of probes that fail on a cluster node.
	Failing int32 `json:"failing"`
	// summary is the number of probes that fail on no cluster node, 0 until their
	// results are known, and the number of all, such as 2/3, for the column PROBES
	// of kubectl get.
	// +optional
	Summary string `json:"summary,omitempty"`
}

// NodeSummary is the state of the lab on one cluster node.
type NodeSummary struct {
	// name is the name of the cluster node.
	Name string `json:"name"`
	// ready is True, False or Unknown, with the meaning of the condition Ready for
	// this node alone.
	Ready metav1.ConditionStatus `json:"ready"`
	// reason is the reason for ready, one of those of the condition Ready.
	// +optional
	Reason string `json:"reason,omitempty"`
	// message explains the reason. It is empty if ready is True.
	// +optional
	Message string `json:"message,omitempty"`
}

// FailingProbe is a probe without the expected outcome, for one cause.
type FailingProbe struct {
	// name is the name of the probe.
	Name string `json:"name"`
	// family is the address family in which the probe fails.
	Family Family `json:"family"`
	// node is the name of the first cluster node on which it fails for this cause.
	Node string `json:"node"`
	// nodes is the number of cluster nodes on which it fails for this cause.
	// +optional
	Nodes int32 `json:"nodes,omitempty"`
	// reason is the diagnosed cause, one of the reasons for Reachable=False.
	Reason string `json:"reason"`
	// message explains the cause and has the fix. It is empty where the status has
	// no room for it.
	Message string `json:"message"`
}
