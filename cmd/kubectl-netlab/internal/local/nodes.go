// SPDX-License-Identifier: Apache-2.0

package local

import (
	"cmp"
	"context"
	"slices"

	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Node is a node of a lab as the machine holds it.
type Node struct {
	Name string `json:"name"`
	// NetworkNamespace is the name by which ip netns knows it.
	NetworkNamespace string `json:"networkNamespace"`
	// Present reports whether the network namespace exists.
	Present bool `json:"present"`
	// Interfaces are sorted by name, lo first, and without lo where it has no addresses of the lab.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// MACTable is what a switch has learned, by VLAN and address.
	MACTable []MACEntry `json:"macTable,omitempty"`
}

// MACEntry is an entry of a switch's forwarding database: the port behind which it saw a MAC address.
type MACEntry struct {
	MAC  string `json:"mac"`
	VLAN uint16 `json:"vlan,omitempty"`
	Port string `json:"port"`
}

// Interface is one end of a link, or lo.
type Interface struct {
	Name string `json:"name"`
	// Kind is Bridge or VLAN; empty for an end of a link and for lo.
	Kind string `json:"kind,omitempty"`
	// Bridge is the one that it is a port of.
	Bridge string `json:"bridge,omitempty"`
	// Parent is the interface that it is on, for VLAN.
	Parent string `json:"parent,omitempty"`
	VLAN   uint16 `json:"vlan,omitempty"`
	// VLANs are those that it is in as a port of a bridge, sorted.
	VLANs []PortVLAN `json:"vlans,omitempty"`
	// State is Up, Down, or NoCarrier when it is up and its other end is not.
	State string `json:"state,omitempty"`
	MTU   int    `json:"mtu"`
	MAC   string `json:"mac,omitempty"`
	// Peer is the node at the other end.
	Peer string `json:"peer,omitempty"`
	// Addresses are in the kernel's order, IPv4 first.
	Addresses []string `json:"addresses,omitempty"`
	// Queue is what the kernel does to packets that leave, as tc writes it; empty where it is nothing.
	Queue string `json:"queue,omitempty"`
}

// PortVLAN is how a bridge's port, or the bridge itself, is in a VLAN.
type PortVLAN struct {
	ID uint16 `json:"id"`
	// Native: untagged frames that come in belong to the VLAN (PVID).
	Native bool `json:"native,omitempty"`
	// Untagged: frames of the VLAN go out without a tag.
	Untagged bool `json:"untagged,omitempty"`
}

// The kinds of an Interface.
const (
	KindBridge = "Bridge"
	KindVLAN   = "VLAN"
)

var kinds = map[state.LinkKind]string{state.BridgeLink: KindBridge, state.VLANLink: KindVLAN}

// The states of an Interface.
const (
	StateUp        = "Up"
	StateDown      = "Down"
	StateNoCarrier = "NoCarrier"
)

// DescribedNode is a node as the spec describes it: whether a kernel holds it is not known.
type DescribedNode struct {
	Name             string      `json:"name"`
	NetworkNamespace string      `json:"networkNamespace"`
	Interfaces       []Interface `json:"interfaces,omitempty"`
}

// Described are the nodes of a lab as the spec describes them.
func Described(lab *lab.Lab) []DescribedNode {
	list := make([]DescribedNode, len(lab.Nodes))
	for i, n := range nodes(lab, state.Observation{State: lab.Want}) {
		for j := range n.Interfaces {
			n.Interfaces[j].State = ""
		}
		list[i] = DescribedNode{n.Name, n.NetworkNamespace, n.Interfaces}
	}
	return list
}

func nodes(lab *lab.Lab, seen state.Observation) []Node {
	list := make([]Node, 0, len(lab.Nodes))
	for _, name := range lab.Nodes {
		namespace := lab.Identity.NetworkNamespace(name)
		list = append(list, Node{
			Name:             name,
			NetworkNamespace: namespace,
			Present:          seen.State[namespace].Mounted,
			Interfaces:       interfaces(namespace, seen),
		})
	}
	return list
}

// macTables fills in what the lab's switches have learned.
func (m *Machine) macTables(ctx context.Context, nodes []Node, have state.State) error {
	for i, n := range nodes {
		if _, isSwitch := have[n.NetworkNamespace].Bridges[lab.BridgeName]; !isSwitch {
			continue
		}
		entries, err := m.kernel.MACTable(ctx, n.NetworkNamespace)
		if err != nil {
			return err
		}
		for _, e := range entries {
			nodes[i].MACTable = append(nodes[i].MACTable, MACEntry{e.MAC.String(), e.VLAN, e.Port})
		}
	}
	return nil
}

func interfaces(namespace string, seen state.Observation) []Interface {
	var list []Interface
	have := seen.State[namespace]
	for name, link := range have.Links {
		i := Interface{
			Name: name, Kind: kinds[link.Kind], Bridge: link.Master, Parent: link.Parent, VLAN: link.VLAN, VLANs: portVLANs(have, name),
			State: linkState(link, state.LinkID{Namespace: namespace, Name: name}, seen), MTU: link.MTU, Addresses: addresses(have, name),
		}
		if q, ok := have.Qdiscs[name]; ok {
			i.Queue = q.String()
		}
		if name != state.Loopback {
			i.MAC, i.Peer = link.MAC.String(), state.NodeOf(link.Peer.Namespace)
		} else if len(i.Addresses) == 0 {
			continue
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b Interface) int {
		return cmp.Or(compareBool(b.Name == state.Loopback, a.Name == state.Loopback), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func portVLANs(have state.Namespace, name string) []PortVLAN {
	if link := have.Links[name]; link.Kind != state.BridgeLink && link.Master == "" {
		return nil
	}
	var list []PortVLAN
	for key, row := range have.PortVLANs {
		if key.Link == name {
			list = append(list, PortVLAN{ID: key.VLAN, Native: row.PVID, Untagged: row.Untagged})
		}
	}
	slices.SortFunc(list, func(a, b PortVLAN) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func linkState(link state.Link, id state.LinkID, seen state.Observation) string {
	switch carrier, known := seen.Carrier[id]; {
	case !link.Up:
		return StateDown
	case known && !carrier:
		return StateNoCarrier
	}
	return StateUp
}

func addresses(have state.Namespace, name string) []string {
	var keys []state.AddressKey
	for key := range have.Addresses {
		if key.Link == name {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b state.AddressKey) int {
		return cmp.Or(
			compareBool(a.Prefix.Addr().Is6(), b.Prefix.Addr().Is6()),
			cmp.Compare(have.Addresses[a].Order, have.Addresses[b].Order),
			state.ComparePrefixes(a.Prefix, b.Prefix),
		)
	})
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = key.Prefix.String()
	}
	return texts
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
