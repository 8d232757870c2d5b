// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// Walk is the way of a request and of its reply, as far as they got.
type Walk struct {
	// From is the node that asks, Source the address it asks from, To the address it asks.
	From       string
	Source, To netip.Addr
	// Forward is the way of the request, Back that of the reply.
	Forward, Back []Hop
	// Cause is what stops them; its zero value says that nothing does.
	Cause Cause
}

// Hop is a packet at one node.
type Hop struct {
	// Node is where the packet is.
	Node string
	// Incoming is the link it came in by; empty at the node that sends it.
	Incoming string
	// Decision is what the node's kernel does with it.
	Decision topology.ForwardingDecision
	// Outgoing is the link it leaves by, Via the gateway it is handed to there; both are
	// zero where it does not leave, and Via where the destination is on the link.
	Outgoing string
	Via      netip.Addr
	// Through are the switches between, as far as it gets.
	Through []string
	// Next is the node it arrives at; empty where it does not.
	Next string
}

// Cause is why there is no reply, or one too many.
type Cause struct {
	// Reason is one of the Reachable condition, see api/v1alpha1.
	Reason string
	// Node is the node to look at.
	Node string
	// Message says what is wrong, Cure what to do; one line each.
	Message string
	Cure    string
}

// Found reports whether there is a cause.
func (c Cause) Found() bool { return c.Reason != "" }

// String is message and cure in one line, as status messages have them.
func (c Cause) String() string {
	if c.Cure == "" {
		return c.Message
	}
	return c.Message + "; " + c.Cure
}
