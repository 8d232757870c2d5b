// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

const lanBehindARouter = `
namespaces: [{name: h1}, {name: h2}, {name: far}]
routers: [{name: r}]
switches: [{name: sw1, subnet: lan}, {name: sw2}]
subnets: [{name: lan, cidrs: [10.1.0.0/24]}, {name: b, cidrs: [10.2.0.0/24]}]
links:
- {name: h1, endpoints: [{name: h1}, {name: sw1}]}
- {name: h2, endpoints: [{name: h2}, {name: sw2}]}
- {name: trunk, endpoints: [{name: sw1}, {name: sw2}]}
- {name: r, endpoints: [{name: r}, {name: sw2}]}
- {name: b, subnet: b, endpoints: [{name: r}, {name: far}]}
`

// Who shares a segment with an address that has moved has to ask for it anew, and nobody else.
func TestNewcomersAreUnknownToTheirSegment(t *testing.T) {
	for _, c := range []struct {
		name        string
		edit        [2]string
		newcomersTo string
	}{
		{"nothing", [2]string{}, ""},
		{"an address on a LAN", [2]string{"{name: h1}, {name: sw1}", "{name: h1, addresses: [10.1.0.77/24]}, {name: sw1}"},
			"h1: 10.1.0.1; h2: 10.1.0.77; r: 10.1.0.1 10.1.0.77; sw1: 10.1.0.1 10.1.0.77; sw2: 10.1.0.1 10.1.0.77"}, // h2 takes what h1 had
		{"an address behind the router", [2]string{"{name: far}]}", "{name: far, addresses: [10.2.0.77/24]}]}"}, "r: 10.2.0.77"},
		{"another Ethernet address", [2]string{"{name: far}]}", `{name: far, mac: "02:00:00:00:00:01"}]}`}, "r: 10.2.0.1"},
		{"another host with the address", [2]string{"{name: far", "{name: new"}, "r: 10.2.0.1"},
		{"a link cut", [2]string{"{name: b, subnet: b,", "{name: b, subnet: b, state: Down,"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := compiled(t, lanBehindARouter), compiled(t, strings.ReplaceAll(lanBehindARouter, c.edit[0], c.edit[1]))
			if got := listed(state.StaleNeighbours(before, state.Diff(before, after)), after); got != c.newcomersTo {
				t.Errorf("stale at %q, want %q", got, c.newcomersTo)
			}
		})
	}
}

// A lab that is new has nothing to forget.
func TestNewNamespacesRememberNobody(t *testing.T) {
	want := compiled(t, lanBehindARouter)
	if got := state.StaleNeighbours(state.State{}, state.Diff(state.State{}, want)); len(got) > 0 {
		t.Errorf("stale: %v", got)
	}
}

func compiled(t *testing.T, text string) state.State {
	t.Helper()
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	lab, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab", Owner: "local/default.lab"}, &spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return lab.Want
}

// listed writes IPv4 entries as "node: address ...; node: ...". Each must have the MAC of the address's link in the
// end.
func listed(stale map[int][]state.Neighbour, after state.State) string {
	nodes := map[string]map[string]bool{}
	for _, entries := range stale {
		for _, e := range entries {
			if node := state.NodeOf(e.Namespace); e.Address.Is4() {
				if nodes[node] == nil {
					nodes[node] = map[string]bool{}
				}
				nodes[node][e.Address.String()+wrongMAC(after, e)] = true
			}
		}
	}
	var lines []string
	for node, list := range nodes {
		lines = append(lines, node+": "+strings.Join(slices.Sorted(maps.Keys(list)), " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func wrongMAC(after state.State, e state.Neighbour) string {
	for id := range after.Addresses() {
		if link, _ := after.Link(state.LinkID{Namespace: id.Namespace, Name: id.Link}); id.Prefix.Addr() == e.Address && link.MAC == e.MAC {
			return ""
		}
	}
	return " with the MAC " + e.MAC.String()
}
