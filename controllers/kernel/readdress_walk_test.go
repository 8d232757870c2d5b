// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/controllers/converge"
)

// transitLab has a cable in the middle that is given other addresses while packets go over it.
const transitLab = `
namespaces: [{name: h1}, {name: h2}]
routers: [{name: r1}, {name: r2}]
subnets:
- {name: left, cidrs: [10.1.0.0/24]}
- {name: right, cidrs: [10.3.0.0/24]}
links:
- {name: l1, subnet: left, endpoints: [{name: h1}, {name: r1}]}
- {name: mid, endpoints: [{name: r1}, {name: r2}]}
- {name: l2, subnet: right, endpoints: [{name: r2}, {name: h2}]}
`

// middles are the addresses of the cable's two ends, one after the other: both change, one moves from
// one end to the other and back, the mask changes, the subnet does.
var middles = [][2]string{
	{"10.2.0.1/24", "10.2.0.2/24"}, {"10.2.0.2/24", "10.2.0.3/24"}, {"10.2.0.1/24", "10.2.0.2/24"}, {"10.2.0.9/24", "10.2.0.10/24"},
	{"10.2.0.9/29", "10.2.0.10/29"}, {"10.22.0.1/24", "10.22.0.2/24"},
}

// rounds of all of them: an address that goes too early costs a packet now and then.
const rounds = 10

// A cable between two routers is given one pair of addresses after the other, and what passes over it
// loses no packet.
func TestNewAddressesOfACableCostItsPassersByNothing(t *testing.T) {
	e := &editor{k: newMachine(t)}
	e.become(t, transitSpec(t, middles[0]))
	h1, h2 := walkLab.NetworkNamespace("h1"), walkLab.NetworkNamespace("h2")
	s := startStream(t, e.k, h1, h2, "10.3.0.1")
	for round := range rounds {
		for _, pair := range slices.Concat(middles[1:], middles[:1]) {
			if plan := e.become(t, transitSpec(t, pair)); len(plan) == 0 {
				t.Errorf("round %d: nothing changed for %s", round, pair)
			}
		}
	}
	s.end(t)
	t.Logf("%d times: %s", rounds*len(middles), s)
	s.mustHaveArrived(t) // what waits for a new neighbour to answer may be overtaken
	if _, err := converge.Remove(t.Context(), e.k, walkLab); err != nil {
		t.Error(err)
	}
}

func transitSpec(t *testing.T, middle [2]string) *spec {
	t.Helper()
	var s spec
	if err := yaml.UnmarshalStrict([]byte(transitLab), &s); err != nil {
		t.Fatal(err)
	}
	for side, address := range middle {
		s.Links[1].Endpoints[side].Addresses = []string{address}
	}
	return &s
}

// unnumberedLab has a cable without IPv4 in the middle: routes over it have the routers' loopbacks as source.
const unnumberedLab = `
namespaces: [{name: h1}, {name: h2}]
routers: [{name: r1}, {name: r2, routes: [{to: left, via: r1, src: 10.255.1.2}]}]
subnets:
- {name: left, cidrs: [10.1.0.0/24]}
- {name: mid, cidrs: ["fd00:2::/64"]}
- {name: right, cidrs: [10.3.0.0/24]}
links:
- {name: l1, subnet: left, endpoints: [{name: h1}, {name: r1}]}
- {name: mid, subnet: mid, endpoints: [{name: r1}, {name: r2}]}
- {name: l2, subnet: right, endpoints: [{name: r2}, {name: h2}]}
`

// loopbacks of r1 and r2, one after the other; the second of r2 is the source of its route back.
var loopbacks = [][2][]string{
	{{"10.255.0.1/32"}, {"10.255.0.2/32", "10.255.1.2/32"}},
	{{"10.255.0.11/32"}, {"10.255.0.12/32", "10.255.1.12/32"}},
	{{"10.255.0.1/32", "10.255.0.11/32"}, {"10.255.1.2/32", "10.255.0.2/32"}},
	{{"10.255.0.11/32"}, {"10.255.1.12/32"}},
}

// The kernel takes a route along with the address that is its source. Routers are given one loopback after the
// other, which is the source of what they send themselves, and what they forward loses no packet.
func TestNewLoopbacksCostWhatIsForwardedNothing(t *testing.T) {
	e := &editor{k: newMachine(t)}
	e.become(t, unnumberedSpec(t, loopbacks[0]))
	h1, h2 := walkLab.NetworkNamespace("h1"), walkLab.NetworkNamespace("h2")
	there, back := startStream(t, e.k, h1, h2, "10.3.0.1"), startStream(t, e.k, h2, h1, "10.1.0.1")
	for round := range rounds {
		for _, pair := range slices.Concat(loopbacks[1:], loopbacks[:1]) {
			if plan := e.become(t, unnumberedSpec(t, pair)); len(plan) == 0 {
				t.Errorf("round %d: nothing changed for %s", round, pair)
			}
		}
	}
	for _, s := range []*stream{there, back} {
		s.end(t)
		t.Logf("%d times: %s", rounds*len(loopbacks), s)
		s.mustHaveArrived(t)
	}
	if _, err := converge.Remove(t.Context(), e.k, walkLab); err != nil {
		t.Error(err)
	}
}

func unnumberedSpec(t *testing.T, loopbacks [2][]string) *spec {
	t.Helper()
	var s spec
	if err := yaml.UnmarshalStrict([]byte(unnumberedLab), &s); err != nil {
		t.Fatal(err)
	}
	for i, list := range loopbacks {
		s.Routers[i].Loopbacks = list
	}
	last := loopbacks[1][len(loopbacks[1])-1]
	s.Routers[1].Routes[0].Src = strings.TrimSuffix(last, "/32")
	return &s
}
