// SPDX-License-Identifier: Apache-2.0

package labtest_test

import (
	"fmt"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// kernels are the kernels that labs are generated for.
var kernels = map[string]statetest.Features{"all": {}, "plain": {VLANs: true, Netem: true}}

func TestRandomLabsAreValid(t *testing.T) {
	for name, lacks := range kernels {
		for seed := range uint64(3000) {
			spec := labtest.New(seed, lacks).Spec()
			if problems := lab.Validate(&v1alpha1.NetLab{Spec: *spec}); len(problems) > 0 {
				text, _ := yaml.Marshal(spec)
				t.Fatalf("%s, seed %d: %v\n%s", name, seed, problems, text)
			}
		}
	}
}

func TestEditedLabsAreValidAndKeepWhatIsFixed(t *testing.T) {
	for name, lacks := range kernels {
		seen := map[string]int{}
		for seed := range uint64(20) {
			g := labtest.New(seed, lacks)
			spec := g.Spec()
			spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: labtest.FixedPrefix + "h"})
			for range 100 {
				var what string
				spec, what = g.Edit(spec)
				seen[what[:6]]++
				if problems := lab.Validate(&v1alpha1.NetLab{Spec: *spec}); len(problems) > 0 {
					t.Fatalf("%s, seed %d, %s: %v", name, seed, what, problems)
				}
				if !slices.ContainsFunc(spec.Namespaces, func(n v1alpha1.Namespace) bool { return n.Name == labtest.FixedPrefix+"h" }) {
					t.Fatalf("%s, seed %d: %s took a fixed node", name, seed, what)
				}
			}
		}
		if len(seen) < 15 {
			t.Errorf("%s: few kinds of edits: %v", name, seen)
		}
	}
}

// A kernel holds IPv6 only where it is not disabled, and on links that are large enough.
func TestEditedLabsWantIPv6WhereAKernelCanHoldIt(t *testing.T) {
	for name, lacks := range kernels {
		for seed := range uint64(20) {
			g := labtest.New(seed, lacks)
			spec := g.Spec()
			for range 100 {
				var what string
				spec, what = g.Edit(spec)
				lab, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab"}, spec, lab.Options{HasNetem: func() bool { return true }})
				if err != nil {
					t.Fatalf("%s, seed %d, %s: %v", name, seed, what, err)
				}
				if id, found := homelessIPv6(lab.Want); found {
					text, _ := yaml.Marshal(spec)
					t.Fatalf("%s, seed %d, %s: %v cannot be there\n%s", name, seed, what, id, text)
				}
			}
		}
	}
}

// homelessIPv6 finds an IPv6 address on an interface without IPv6.
func homelessIPv6(s state.State) (state.AddressID, bool) {
	for id := range s.Addresses() {
		link := s[id.Namespace].Links[id.Link]
		if id.Prefix.Addr().Is6() && (link.Settings[state.DisableIPv6] != state.Off || link.MTU < state.MinIPv6MTU) {
			return id, true
		}
	}
	return state.AddressID{}, false
}

func TestTheSameSeedGivesTheSameLab(t *testing.T) {
	for seed := range uint64(50) {
		a, _ := yaml.Marshal(labtest.New(seed, statetest.Features{}).Spec())
		b, _ := yaml.Marshal(labtest.New(seed, statetest.Features{}).Spec())
		if string(a) != string(b) {
			t.Fatalf("seed %d gives two labs", seed)
		}
	}
}

// reachabilities are labs whose reachability is plain to a reader.
var reachabilities = []struct{ name, spec, expect string }{
	{"the tutorial's", `
namespaces: [{name: a}, {name: b}]
routers: [{name: r}]
subnets: [{name: left, cidrs: [192.0.2.0/24]}, {name: right, cidrs: [198.51.100.0/24]}]
links: [{name: l1, subnet: left, endpoints: [{name: a}, {name: r}]}, {name: l2, subnet: right, endpoints: [{name: r}, {name: b}]}]
`, "a-b a-r b-a b-r r-a r-b"},
	{"a router that does not forward", `
namespaces: [{name: a}, {name: b}]
routers: [{name: r, forwarding: Disabled}]
subnets: [{name: left, cidrs: [192.0.2.0/24]}, {name: right, cidrs: [198.51.100.0/24]}]
links: [{name: l1, subnet: left, endpoints: [{name: a}, {name: r}]}, {name: l2, subnet: right, endpoints: [{name: r}, {name: b}]}]
`, "a-r b-r r-a r-b"},
	{"a host in between", `
namespaces: [{name: a}, {name: b}, {name: m}]
subnets: [{name: left, cidrs: [192.0.2.0/24]}, {name: right, cidrs: [198.51.100.0/24]}]
links: [{name: l1, subnet: left, endpoints: [{name: a}, {name: m}]}, {name: l2, subnet: right, endpoints: [{name: m}, {name: b}]}]
`, "a-m b-m m-a m-b"},
	{"a cut cable", `
namespaces: [{name: a}, {name: b}, {name: c}]
switches: [{name: s, subnet: lan}]
subnets: [{name: lan, cidrs: [192.0.2.0/24]}]
links: [{name: l1, endpoints: [{name: a}, {name: s}]}, {name: l2, endpoints: [{name: b}, {name: s}]}, {name: l3, state: Down, endpoints: [{name: c}, {name: s}]}]
`, "a-b b-a"},
	{"the route back is missing", `
routing: Manual
namespaces: [{name: a, routes: [{to: default, via: r, link: l1}]}, {name: b}]
routers: [{name: r}]
subnets: [{name: left, cidrs: [192.0.2.0/24]}, {name: right, cidrs: [198.51.100.0/24]}]
links: [{name: l1, subnet: left, endpoints: [{name: a}, {name: r}]}, {name: l2, subnet: right, endpoints: [{name: r}, {name: b}]}]
`, "a-r r-a r-b"},
	{"two VLANs", `
namespaces: [{name: a}, {name: b}, {name: c}]
switches: [{name: s, vlanFiltering: Enabled, vlans: [{id: 10, subnet: lan}]}]
subnets: [{name: lan, cidrs: [192.0.2.0/24]}, {name: other, cidrs: [198.51.100.0/24]}]
links:
- {name: l1, endpoints: [{name: a}, {name: s, vlan: 10}]}
- {name: l2, endpoints: [{name: b}, {name: s, vlan: 10}]}
- {name: l3, endpoints: [{name: c, addresses: [192.0.2.9/24]}, {name: s, vlan: 20}]}
`, "a-b b-a"},
	{"between unnumbered routers", `
namespaces: [{name: a}]
routers: [{name: p, loopbacks: [10.255.0.1/32]}, {name: q, loopbacks: [10.255.0.2/32]}]
subnets: [{name: lan, cidrs: [192.0.2.0/24]}]
links: [{name: l1, subnet: lan, endpoints: [{name: a}, {name: p}]}, {name: l2, endpoints: [{name: p}, {name: q}]}]
`, "a-p a-q p-a p-q q-a q-p"},
	{"equal paths, one through a router that does not forward", `
namespaces: [{name: a}, {name: b}]
routers: [{name: r}, {name: s}, {name: p}, {name: q, forwarding: Disabled}]
subnets: [{name: n1, cidrs: [10.0.1.0/24]}, {name: n2, cidrs: [10.0.2.0/24]}, {name: n3, cidrs: [10.0.3.0/24]}, {name: n4, cidrs: [10.0.4.0/24]}, {name: n5, cidrs: [10.0.5.0/24]}, {name: n6, cidrs: [10.0.6.0/24]}]
links:
- {name: l1, subnet: n1, endpoints: [{name: a}, {name: r}]}
- {name: l2, subnet: n2, endpoints: [{name: r}, {name: p}]}
- {name: l3, subnet: n3, endpoints: [{name: r}, {name: q}]}
- {name: l4, subnet: n4, endpoints: [{name: p}, {name: s}]}
- {name: l5, subnet: n5, endpoints: [{name: q}, {name: s}]}
- {name: l6, subnet: n6, endpoints: [{name: s}, {name: b}]}
`, "a-b? a-p a-q a-r a-s? b-a? b-p b-q b-r? b-s p-a p-b p-q p-r p-s q-a q-b q-p q-r q-s r-a r-b? r-p r-q r-s s-a? s-b s-p s-q s-r?"},
}

func TestReachabilityOfLabsThatPeopleUnderstand(t *testing.T) {
	for _, built := range reachabilities {
		t.Run(built.name, func(t *testing.T) {
			var spec v1alpha1.NetLabSpec
			if err := yaml.UnmarshalStrict([]byte(built.spec), &spec); err != nil {
				t.Fatal(err)
			}
			compiled, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab"}, &spec, lab.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range labtest.Reachability(&spec, compiled.Want) {
				if p.Expect != labtest.No {
					got = append(got, fmt.Sprintf("%s-%s%s", p.From, p.To, map[labtest.Verdict]string{labtest.Unclear: "?"}[p.Expect]))
				}
			}
			slices.Sort(got)
			if text := fmt.Sprint(got); text != "["+built.expect+"]" {
				t.Errorf("reachable are\n%s, want\n[%s]", text, built.expect)
			}
		})
	}
}
