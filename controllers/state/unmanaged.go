// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// Unmanaged is an object in a lab's network namespace that NetLab did not create and that decides about
// packets: a policy rule, a permanent neighbour entry, a packet filter. NetLab leaves it alone.
type Unmanaged struct {
	// What it is: "policy rule 100: from 10.1.0.0/24 prohibit".
	What string
	// Look is a command that shows it.
	Look string
	// Undo is the command that removes it; empty where no command is sure to be right.
	Undo string
	// At most one of these is set, and says it in detail.
	Rule      PolicyRule
	Route     UnmanagedRoute
	Neighbour NeighbourEntry
	Setting   UnmanagedSetting
}

// PolicyRule is a rule that is not the kernel's own, or a missing one that is.
type PolicyRule struct {
	Priority uint32
	// IPv6 says whose rule it is: each family has its own.
	IPv6 bool
	// Action is as ip rule writes it: "prohibit", "lookup 100". It is empty for what is no rule.
	Action string
	// From, To and Incoming are the packets it is for; their zero values say all.
	From, To netip.Prefix
	Incoming string
	// MoreSelectors says that it matches on more than these.
	MoreSelectors bool
	// Missing says that the kernel's own is gone.
	Missing bool
}

// MainRule is the priority of the kernel's rule for the main table.
const MainRule = 32766

// PrecedesMain reports whether a rule decides about a packet instead of the main table.
func (r PolicyRule) PrecedesMain(q ForwardingQuery) bool {
	switch {
	case r.Action == "" || r.Missing || r.IPv6 != q.Destination.Is6():
		return r.Missing && r.IPv6 == q.Destination.Is6()
	case r.Priority > MainRule, r.MoreSelectors:
		return false
	case r.From.IsValid() && !(q.Source.IsValid() && r.From.Contains(q.Source)):
		return false
	case r.Incoming != "" && r.Incoming != q.Incoming && !(r.Incoming == Loopback && q.Incoming == ""):
		return false
	}
	return !r.To.IsValid() || r.To.Contains(q.Destination)
}

// Rejects reports whether a verdict is what the rule's action makes of packets.
func (r PolicyRule) Rejects(v ForwardingVerdict) bool {
	return slices.Contains(map[string][]ForwardingVerdict{
		"blackhole":   {Discarded, Filtered}, // one errno, see Filtered
		"unreachable": {NoRoute},
		"prohibit":    {Prohibited},
	}[r.Action], v)
}

// UnmanagedRoute is a route in the main table that NetLab did not create.
type UnmanagedRoute struct {
	// Type is as ip route writes it: "unicast", "blackhole", "throw".
	Type   string
	Prefix netip.Prefix
}

// NeighbourEntry says which Ethernet address a neighbour has.
type NeighbourEntry struct {
	Link    string
	Address netip.Addr
	MAC     MAC
}

// UnmanagedSetting is a setting that no lab can have.
type UnmanagedSetting struct{ Name, Value string }
