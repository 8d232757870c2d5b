// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"net/netip"
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
			ops := state.Diff(before, after)
			if got := listed(state.MovedAddresses(ops, after)); got != c.newcomersTo {
				t.Errorf("newcomers to %q, want %q", got, c.newcomersTo)
			}
		})
	}
}

// A lab that is new has nothing to forget.
func TestNewNamespacesRememberNobody(t *testing.T) {
	want := compiled(t, lanBehindARouter)
	if got := state.MovedAddresses(state.Diff(state.State{}, want), want); len(got) > 0 {
		t.Errorf("newcomers: %v", got)
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

// listed writes IPv4 newcomers as "node: address ...; node: ...".
func listed(newcomers map[string]map[netip.Addr]bool) string {
	var nodes []string
	for namespace, addresses := range newcomers {
		var list []string
		for a := range addresses {
			if a.Is4() {
				list = append(list, a.String())
			}
		}
		slices.Sort(list)
		nodes = append(nodes, fmt.Sprintf("%s: %s", state.NodeOf(namespace), strings.Join(list, " ")))
	}
	slices.Sort(nodes)
	return strings.Join(nodes, "; ")
}
