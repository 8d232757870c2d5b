// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Behind NAT a walk knows the addresses that connection tracking tells, and otherwise none.
func TestAWalkFollowsNATAsFarAsItIsKnown(t *testing.T) {
	address := netip.MustParseAddr
	original := state.AddressPair{Source: ns1Address, Destination: ns2Address}
	for name, c := range map[string]struct {
		nat        state.NAT
		translated state.AddressPair
		byHand     string
		replied    bool
		want       string
		walk       string
	}{
		"unknown": {
			nat:  state.NAT{IPv4: true, Before: true},
			want: "no reply from 198.51.100.1; router has NAT, which may give packets other addresses, so their path from there is unknown",
			walk: "router  in l1  NAT  <- NoReply",
		},
		"unknown sources, and a link is down": {
			nat: state.NAT{IPv4: true, After: true}, byHand: "down ns2 l2",
			want: "interface l2 of ns2 is down, on the path from router to 198.51.100.1",
		},
		"unknown sources, and there is no route back": {
			nat: state.NAT{IPv4: true, After: true}, byHand: "unroute ns2 0.0.0.0/0",
			want: "no reply from 198.51.100.1; router has NAT, which may give packets other addresses, so their path from there is unknown",
		},
		"of the other family": {
			nat: state.NAT{IPv6: true, After: true}, byHand: "unroute ns2 0.0.0.0/0",
			want: "ns2 has no route back to 192.0.2.1",
		},
		"to nobody": {
			nat: state.NAT{IPv4: true, Before: true}, translated: state.AddressPair{Source: ns1Address, Destination: address("198.51.100.9")},
			want: "router changes the addresses of packets to 198.51.100.1 by NAT: to 198.51.100.9; no node on link l2 has address 198.51.100.9",
		},
		"from a foreign source": {
			nat: state.NAT{IPv4: true, After: true}, translated: state.AddressPair{Source: address("10.9.9.9"), Destination: ns2Address},
			replied: true, walk: "ns2 replies to 10.9.9.9", // the router has the request's source again before its lookup
		},
		"of other packets, and there is no route back": {
			nat: state.NAT{IPv4: true, After: true}, translated: original, byHand: "unroute ns2 0.0.0.0/0",
			want: "ns2 has no route back to 192.0.2.1",
		},
		"to the router's own source, and the route back is not needed": {
			nat: state.NAT{IPv4: true, After: true}, translated: state.AddressPair{Source: address("198.51.100.254"), Destination: ns2Address},
			byHand: "unroute ns2 0.0.0.0/0", replied: true,
			walk: "ns2 replies to 198.51.100.254",
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := build(t, tutorial)
			router := pair.NetworkNamespace("router")
			k.AddUnmanaged(router, state.Unmanaged{What: "NAT", Undo: "nft flush", NAT: c.nat})
			if c.translated.Source.IsValid() {
				k.SetTranslations(router, state.Translation{Original: original, Translated: c.translated})
			}
			if c.byHand != "" {
				byHand(t, k, strings.Fields(c.byHand))
			}
			q := ns1ToNs2
			q.Replied = c.replied
			walk, err := diagnose.Explain(t.Context(), k, observe(t, k), q)
			if err != nil || walk.Cause.Message != c.want || !strings.Contains(walk.String(), c.walk) {
				t.Errorf("%v\n%s", err, walk)
			}
		})
	}
}
