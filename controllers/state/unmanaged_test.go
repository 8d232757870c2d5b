// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"net/netip"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// A rule decides only about the packets it is for.
func TestAPolicyRuleMatchesItsPackets(t *testing.T) {
	from, to := netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("10.2.0.0/24")
	packet := state.ForwardingQuery{Source: from.Addr().Next(), Destination: to.Addr().Next(), Incoming: "left"}
	own := state.ForwardingQuery{Source: packet.Source, Destination: packet.Destination}
	for name, c := range map[string]struct {
		rule state.PolicyRule
		q    state.ForwardingQuery
		want bool
	}{
		"no rule":                     {state.PolicyRule{}, packet, false},
		"for all":                     {state.PolicyRule{Action: "blackhole"}, packet, true},
		"for its source":              {state.PolicyRule{Action: "blackhole", From: from}, packet, true},
		"for another source":          {state.PolicyRule{Action: "blackhole", From: to}, packet, false},
		"for other sources":           {state.PolicyRule{Action: "blackhole", From: to, Inverted: true}, packet, true},
		"for a source not chosen yet": {state.PolicyRule{Action: "blackhole", From: from}, state.ForwardingQuery{Destination: own.Destination}, false},
		"for its destination":         {state.PolicyRule{Action: "blackhole", To: to}, packet, true},
		"for another destination":     {state.PolicyRule{Action: "blackhole", To: from}, packet, false},
		"for its interface":           {state.PolicyRule{Action: "blackhole", Incoming: "left"}, packet, true},
		"for another interface":       {state.PolicyRule{Action: "blackhole", Incoming: "right"}, packet, false},
		"for what the node sends":     {state.PolicyRule{Action: "blackhole", Incoming: "lo"}, own, true},
		"for marked packets":          {state.PolicyRule{Action: "blackhole", OtherPackets: true, Marked: true}, packet, false},
		"for packets without a mark":  {state.PolicyRule{Action: "blackhole", OtherPackets: true, Marked: true, Inverted: true}, packet, true},
		"a missing one":               {state.PolicyRule{Action: "lookup main", Missing: true}, packet, false},
	} {
		if got := c.rule.Matches(c.q); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
