// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Walk is the way of a request and of its reply, as far as they got.
type Walk struct {
	// From is the node that asks, Source the address it asks from, To the address it asks.
	From   string     `json:"from"`
	Source netip.Addr `json:"source,omitzero"`
	To     netip.Addr `json:"to"`
	// Forward is the way of the request, Back that of the reply.
	Forward []Hop `json:"forward"`
	Back    []Hop `json:"back,omitempty"`
	// Cause is what stops them; its zero value says that nothing does.
	Cause Cause `json:"cause,omitzero"`
}

// Hop is a packet at one node.
type Hop struct {
	// Node is where the packet is.
	Node string `json:"node"`
	// Incoming is the link it came in by; empty at the node that sends it.
	Incoming string `json:"incoming,omitempty"`
	// Decision is what the node's kernel does with it.
	Decision state.ForwardingDecision `json:"decision"`
	// Outgoing is the link it leaves by, Via the gateway it is handed to there; both are
	// zero where it does not leave, and Via where the destination is on the link.
	Outgoing string     `json:"outgoing,omitempty"`
	Via      netip.Addr `json:"via,omitzero"`
	// Through are the switches between, as far as it gets.
	Through []string `json:"through,omitempty"`
	// Next is the node it arrives at; empty where it does not.
	Next string `json:"next,omitempty"`
}

// Cause is why there is no reply, or one too many.
type Cause struct {
	// Reason is one of the Reachable condition, see api/v1alpha1.
	Reason string `json:"reason"`
	// Node is the node to look at.
	Node string `json:"node,omitempty"`
	// Message says what is wrong, Fix what to do; one line each.
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// Found reports whether there is a cause.
func (c Cause) Found() bool { return c.Reason != "" }

// String is message and fix in one line, as status messages have them.
func (c Cause) String() string {
	if c.Fix == "" {
		return c.Message
	}
	return c.Message + "; " + c.Fix
}
