// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Walk is the path of a request and of its reply, as far as they got.
type Walk struct {
	// From is the sending node, Source its source address, To the destination address.
	From   string     `json:"from"`
	Source netip.Addr `json:"source,omitzero"`
	To     netip.Addr `json:"to"`
	// Forward is the path of the request, Back that of the reply.
	Forward []Hop `json:"forward"`
	Back    []Hop `json:"back,omitempty"`
	// ReplyTo is the destination of the reply if NAT has changed the request's source.
	ReplyTo netip.Addr `json:"replyTo,omitzero"`
	// Cause is what stops them. The zero Cause means that nothing does.
	Cause Cause `json:"cause,omitzero"`
	// OnOtherLeg reports that the cause is on a leg that neither path shows.
	OnOtherLeg bool `json:"onOtherLeg,omitempty"`
	// Warnings are what stops packets on legs that these packets do not take, in addition to Cause.
	Warnings []Cause `json:"warnings,omitempty"`
}

// Hop is a packet at one node.
type Hop struct {
	// Node is the name of the node.
	Node string `json:"node"`
	// Incoming is the link on which the packet arrives; empty at the sender.
	Incoming string `json:"incoming,omitempty"`
	// Decision is the kernel's forwarding decision.
	Decision state.ForwardingDecision `json:"decision"`
	// Outgoing is the link through which the packet leaves, empty if it does not. Via is the gateway, zero if
	// the destination is on the link.
	Outgoing string     `json:"outgoing,omitempty"`
	Via      netip.Addr `json:"via,omitzero"`
	// Through lists the switches on the way to the next node, as far as the packet gets.
	Through []string `json:"through,omitempty"`
	// Next is the node at which the packet arrives; empty if it does not.
	Next string `json:"next,omitempty"`
	// NAT is what translates addresses at the node. The walk does not follow packets whose addresses are unknown.
	NAT string `json:"nat,omitempty"`
	// Route is the destination of the node's route, and Legs are its next hops, if it has several. The packet
	// takes one of them.
	Route string `json:"route,omitempty"`
	Legs  []Leg  `json:"legs,omitempty"`
	// LegUnknown reports that the kernel does not say which leg the packet takes. Outgoing is a possible one.
	LegUnknown bool `json:"legUnknown,omitempty"`
}

// Leg is one next hop of a route that has several.
type Leg struct {
	Outgoing string     `json:"outgoing"`
	Via      netip.Addr `json:"via,omitzero"`
	Weight   int        `json:"weight"`
	Next     string     `json:"next,omitempty"`
	// Taken reports that this is the leg of the Hop.
	Taken bool `json:"taken,omitempty"`
	// Reason is the reason of the cause that stops packets on this leg, empty if they arrive.
	Reason string `json:"reason,omitempty"`
}

// Cause is why there is no reply, or why there is an unexpected one.
type Cause struct {
	// Reason is a reason of the Reachable condition, see api/v1alpha1.
	Reason string `json:"reason"`
	// Node is the node at fault.
	Node string `json:"node,omitempty"`
	// Message describes the cause, Fix what to do about it, in one line each.
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// Found reports whether there is a cause.
func (c Cause) Found() bool { return c.Reason != "" }

// String joins message and fix in one line, as in status messages.
func (c Cause) String() string {
	if c.Fix == "" {
		return c.Message
	}
	return c.Message + "; " + c.Fix
}
