// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// office has hosts behind two switches, and two links between its routers.
const office = `
namespaces: [{name: a}, {name: b}, {name: c}]
routers: [{name: r1}, {name: r2}]
switches: [{name: s1}, {name: s2}]
subnets: [{name: left, cidrs: [10.1.0.0/24]}, {name: right, cidrs: [10.2.0.0/24]}]
links:
- {name: a, subnet: left, endpoints: [{name: a}, {name: s1}]}
- {name: b, endpoints: [{name: b}, {name: s2}]}
- {name: ss, endpoints: [{name: s1}, {name: s2}]}
- {name: up, endpoints: [{name: s2}, {name: r1}]}
- {name: core1, endpoints: [{name: r1, addresses: [10.9.1.1/30]}, {name: r2, addresses: [10.9.1.2/30]}]}
- {name: core2, endpoints: [{name: r1, addresses: [10.9.2.1/30]}, {name: r2, addresses: [10.9.2.2/30]}]}
- {name: c, subnet: right, endpoints: [{name: r2}, {name: c}]}
`

func graphOf(t *testing.T, text string) *graph.Graph {
	t.Helper()
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	compiled, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab"}, &spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return graph.New(&spec, compiled)
}

// marks are the links on the way of failure 1, the nodes at which it ends, and the links with a fault.
func marks(g *graph.Graph) string {
	var way, ends, faults []string
	for _, l := range g.Links {
		if slices.Contains(l.Failures, 1) {
			way = append(way, l.Names[0])
		}
		for _, label := range l.Labels {
			if label.Kind == graph.FaultLabel {
				faults = append(faults, l.Names[0]+" "+label.Text)
			}
		}
	}
	for _, n := range g.Nodes {
		if slices.Contains(n.Failures, 1) {
			ends = append(ends, n.Name)
		}
	}
	return fmt.Sprintf("way %s; ends at %s; faults %s", strings.Join(way, " "), strings.Join(ends, " "), strings.Join(faults, " "))
}

func TestTheWayOfAFailingProbeIsMarked(t *testing.T) {
	fromA := diagnose.Hop{Node: "a", Outgoing: "a", Through: []string{"s1", "s2"}, Next: "r1"}
	for _, test := range []struct {
		name string
		walk *diagnose.Walk
		want string
	}{
		{"without a walk", nil, "way ; ends at a; faults "},
		{"an empty walk", &diagnose.Walk{}, "way ; ends at a; faults "},
		{"dropped by the first node", &diagnose.Walk{Forward: []diagnose.Hop{{Node: "a"}}}, "way ; ends at a; faults "},
		{"dropped by a router", &diagnose.Walk{Forward: []diagnose.Hop{fromA, {Node: "r1", Incoming: "up"}}}, "way a ss up; ends at r1; faults "},
		{
			"over one of two links, and lost there", &diagnose.Walk{Forward: []diagnose.Hop{fromA, {Node: "r1", Incoming: "up", Outgoing: "core2"}}},
			"way a ss up core2; ends at ; faults core2 ✗1",
		},
		{
			"over the second of two links", &diagnose.Walk{Forward: []diagnose.Hop{fromA, {Node: "r1", Incoming: "up", Outgoing: "core2", Next: "r2"}}},
			"way a ss up core2; ends at r2; faults ",
		},
		{"lost behind a switch", &diagnose.Walk{Forward: []diagnose.Hop{{Node: "a", Outgoing: "a", Through: []string{"s1"}}}}, "way a; ends at s1; faults "},
		{
			"the reply", &diagnose.Walk{
				Forward: []diagnose.Hop{fromA, {Node: "r1", Incoming: "up", Outgoing: "core1", Next: "r2"}, {Node: "r2", Incoming: "core1"}},
				Back:    []diagnose.Hop{{Node: "r2", Outgoing: "core2", Next: "r1"}, {Node: "r1", Incoming: "core2"}},
			},
			"way a ss up core1 core2; ends at r1; faults ",
		},
		{
			"on another leg", &diagnose.Walk{Forward: []diagnose.Hop{fromA}, OnOtherLeg: true, Cause: diagnose.Cause{Reason: "LinkDown", Node: "r2"}},
			"way a ss up; ends at r2; faults ",
		},
		{"over a node that is not in the lab", &diagnose.Walk{Forward: []diagnose.Hop{{Node: "x", Outgoing: "y", Next: "z"}}}, "way ; ends at ; faults "},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := graphOf(t, office)
			g.Show(graph.Live{Failures: []graph.Failing{{From: "a", Walk: test.walk}}})
			if got := marks(g); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// The plan is what it was before the state was added.
func TestThePlanStays(t *testing.T) {
	g, want := graphOf(t, office), graphOf(t, office)
	g.Show(graph.Live{
		Health: graph.Bad, Verdict: "Ready=False: LinkDown", Nodes: map[string]graph.Health{"a": graph.Bad}, Down: map[graph.Interface]bool{{Node: "r1", Name: "core1"}: true},
		Failures: []graph.Failing{{From: "a"}, {From: "a", Walk: &diagnose.Walk{Forward: []diagnose.Hop{{Node: "a", Outgoing: "a"}}}}},
	})
	if diff := cmp.Diff(want.Nodes, g.Plan().Nodes); diff != "" {
		t.Errorf("the plan's nodes change:\n%s", diff)
	}
	if diff := cmp.Diff(want.Links, g.Plan().Links); diff != "" {
		t.Errorf("the plan's links change:\n%s", diff)
	}
}

func TestALinkThatIsDownIsMarkedOnce(t *testing.T) {
	g := graphOf(t, strings.Replace(office, "{name: ss,", "{name: ss, state: Down,", 1))
	g.Show(graph.Live{Down: map[graph.Interface]bool{{Node: "s1", Name: "ss"}: true, {Node: "r1", Name: "core1"}: true, {Node: "r2", Name: "core1"}: true}})
	if got, want := marks(g), "way ; ends at ; faults ss down core1 down"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A segment without VLANs has its network at every link and switch, however far the addresses are.
func TestASegmentHasOneNetwork(t *testing.T) {
	g := graphOf(t, office)
	var got []string
	for _, l := range g.Links {
		name := "none"
		if l.Network != graph.NoNetwork {
			name = g.Networks[l.Network].String()
		}
		got = append(got, l.Names[0]+" "+name)
	}
	want := []string{
		"a left 10.1.0.0/24", "b left 10.1.0.0/24", "ss left 10.1.0.0/24", "up left 10.1.0.0/24",
		"core1 10.9.1.0/30", "core2 10.9.2.0/30", "c right 10.2.0.0/24",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("networks differ (-want +got):\n%s", diff)
	}
}

// Hosts in different VLANs are in different groups.
func TestGroupsHaveOneVLAN(t *testing.T) {
	var b strings.Builder
	b.WriteString("switches: [{name: sw, vlanFiltering: Enabled}]\nnamespaces:\n")
	for i := range 64 {
		fmt.Fprintf(&b, "- {name: h%d}\n", i)
	}
	b.WriteString("links:\n")
	for i := range 64 {
		fmt.Fprintf(&b, "- {name: l%d, endpoints: [{name: h%d}, {name: sw, vlan: %d}]}\n", i, i, 10+i%2)
	}
	grouped := graphOf(t, b.String()).Grouped()
	var names []string
	for _, n := range grouped.Nodes {
		names = append(names, fmt.Sprintf("%s %d", n.Name, len(n.Members)))
	}
	if diff := cmp.Diff([]string{"hosts@sw vlan 10 32", "hosts@sw vlan 11 32", "sw 0"}, names); diff != "" {
		t.Errorf("groups differ (-want +got):\n%s", diff)
	}
}

// lan has so many hosts at a switch that they are grouped; the first has a note of its own.
func lan(hosts int) string {
	var b strings.Builder
	b.WriteString("switches: [{name: sw, subnet: lan}]\nsubnets: [{name: lan, cidrs: [10.0.0.0/16]}]\nrouters: [{name: r}]\nnamespaces:\n- {name: h0, loopbacks: [10.255.0.1/32]}\n")
	for i := 1; i < hosts; i++ {
		fmt.Fprintf(&b, "- {name: h%d}\n", i)
	}
	b.WriteString("links:\n- {name: r, endpoints: [{name: r}, {name: sw}]}\n")
	for i := range hosts {
		fmt.Fprintf(&b, "- {name: l%d, endpoints: [{name: h%d}, {name: sw}]}\n", i, i)
	}
	return b.String()
}

func TestHostsOfALargeLabAreGrouped(t *testing.T) {
	small := graphOf(t, lan(graph.MaxUngrouped-2))
	if small.Grouped() != small {
		t.Errorf("a lab of %d nodes is grouped", graph.MaxUngrouped)
	}
	g := graphOf(t, lan(70))
	g.Show(graph.Live{Failures: []graph.Failing{{From: "h7"}}})
	grouped := g.Grouped()
	var names []string
	for _, n := range grouped.Nodes {
		names = append(names, fmt.Sprintf("%s %s %d", n.Kind, n.Name, len(n.Members)))
	}
	want := []string{"host h0 0", "hosts hosts@sw 68", "host h7 0", "router r 0", "switch sw 0"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("groups differ (-want +got):\n%s", diff)
	}
	if got := grouped.Counts(); got != g.Counts() {
		t.Errorf("the group shows %s, the lab has %s", got, g.Counts())
	}
	if at := grouped.Node("h8"); at != 1 {
		t.Errorf("h8 is at %d, want in the group", at)
	}
	if got := grouped.Nodes[1].Members[0]; got.Name != "h1" || len(got.Addresses) != 1 {
		t.Errorf("the first member is %+v, want h1 with its address", got)
	}
}
