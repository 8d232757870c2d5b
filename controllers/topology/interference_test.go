// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"net/netip"
	"testing"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// A rule is blamed only for packets it is for.
func TestAPolicyRuleDecidesAboutItsPackets(t *testing.T) {
	from, to := netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("10.2.0.0/24")
	packet := topology.ForwardingQuery{Source: from.Addr().Next(), Destination: to.Addr().Next(), Incoming: "left"}
	own := topology.ForwardingQuery{Source: packet.Source, Destination: packet.Destination}
	for name, c := range map[string]struct {
		rule topology.PolicyRule
		q    topology.ForwardingQuery
		want bool
	}{
		"no rule":                     {topology.PolicyRule{}, packet, false},
		"for all":                     {topology.PolicyRule{Action: "blackhole"}, packet, true},
		"for its source":              {topology.PolicyRule{Action: "blackhole", From: from}, packet, true},
		"for another source":          {topology.PolicyRule{Action: "blackhole", From: to}, packet, false},
		"for a source not chosen yet": {topology.PolicyRule{Action: "blackhole", From: from}, topology.ForwardingQuery{Destination: own.Destination}, false},
		"for its destination":         {topology.PolicyRule{Action: "blackhole", To: to}, packet, true},
		"for another destination":     {topology.PolicyRule{Action: "blackhole", To: from}, packet, false},
		"for its interface":           {topology.PolicyRule{Action: "blackhole", Incoming: "left"}, packet, true},
		"for another interface":       {topology.PolicyRule{Action: "blackhole", Incoming: "right"}, packet, false},
		"for what the node sends":     {topology.PolicyRule{Action: "blackhole", Incoming: "lo"}, own, true},
		"for more than addresses":     {topology.PolicyRule{Action: "blackhole", Choosy: true}, packet, false},
		"behind the main table":       {topology.PolicyRule{Action: "blackhole", Priority: topology.MainRule + 1}, packet, false},
		"of the other family":         {topology.PolicyRule{Action: "blackhole", IPv6: true}, packet, false},
		"a missing one":               {topology.PolicyRule{Missing: true}, packet, true},
		"a missing one of IPv6":       {topology.PolicyRule{Missing: true, IPv6: true}, packet, false},
	} {
		if got := c.rule.TakesFromMain(c.q); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
