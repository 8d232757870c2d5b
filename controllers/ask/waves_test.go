// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"fmt"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// chain is h1 - r1 - … - rN - h2, and a host that no link leads to.
func chain(t *testing.T, routers int) *Lab {
	t.Helper()
	spec := v1alpha1.NetLabSpec{Namespaces: []v1alpha1.Namespace{{Name: "h1"}, {Name: "h2"}, {Name: "alone", NodeConfig: v1alpha1.NodeConfig{Loopbacks: []string{"10.255.0.1/32"}}}}}
	nodes := []string{"h1"}
	for i := range routers {
		spec.Routers = append(spec.Routers, v1alpha1.Router{Name: fmt.Sprintf("r%d", i+1)})
		nodes = append(nodes, fmt.Sprintf("r%d", i+1))
	}
	nodes = append(nodes, "h2")
	for i := range len(nodes) - 1 {
		subnet := fmt.Sprintf("s%d", i)
		spec.Subnets = append(spec.Subnets, v1alpha1.Subnet{Name: subnet, CIDRs: []string{fmt.Sprintf("10.0.%d.0/24", i), fmt.Sprintf("fd00:%d::/64", i)}})
		spec.Links = append(spec.Links, v1alpha1.Link{Name: fmt.Sprintf("l%d", i), Subnet: subnet, Endpoints: []v1alpha1.Endpoint{{Name: nodes[i]}, {Name: nodes[i+1]}}})
	}
	lab, err := (&Machine{}).Lab(state.Identity{Namespace: "default", Name: "chain"}, spec)
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

func TestWhatAskingCosts(t *testing.T) {
	built := chain(t, 3)
	costs := newCosts(built.Lab)
	if got := costs.of(lab.Probe{From: "h1", Target: "r1", Family: v1alpha1.IPv6}); got != 4 {
		t.Errorf("in IPv6 a neighbour costs %d entries", got)
	}
	for _, c := range []struct {
		from, to string
		entries  int
	}{
		{"h1", "r1", 2},
		{"h1", "h2", 8},
		{"r3", "h1", 6},
		{"h1", "alone", 8}, // by a default route as far as there is a way
		{"alone", "h1", 2},
	} {
		if got := costs.of(lab.Probe{From: c.from, Target: c.to}); got != c.entries {
			t.Errorf("%s to %s: %d entries, want %d", c.from, c.to, got, c.entries)
		}
	}
}

func TestAWaveStaysWithinItsBudget(t *testing.T) {
	lab := chain(t, 3)
	costs, all := newCosts(lab.Lab), lab.pairs(0)
	for _, budget := range []int{0, 7, 40, 1 << 20} {
		asked := 0
		for rest := all; len(rest) > 0; {
			wave := costs.wave(rest, budget)
			rest, asked = rest[len(wave):], asked+len(wave)
			spent := 0
			for _, p := range wave {
				spent += costs.of(p)
				if p.Family != wave[0].Family {
					t.Errorf("budget %d: a wave of two families", budget)
				}
			}
			if spent > budget && len(wave) > 1 {
				t.Errorf("budget %d: a wave of %d pairs costs %d", budget, len(wave), spent)
			}
			if len(wave) > maxWave {
				t.Errorf("a wave of %d pairs", len(wave))
			}
		}
		if asked != len(all) {
			t.Errorf("budget %d: asked %d of %d pairs", budget, asked, len(all))
		}
	}
}

func TestPairsHaveAFamilyInCommon(t *testing.T) {
	lab := chain(t, 1)
	pairs := map[v1alpha1.Family]int{}
	for _, p := range lab.pairs(0) {
		pairs[p.Family]++
		if p.From == p.Target || !p.To.IsValid() || p.Family == v1alpha1.IPv6 && (p.From == "alone" || p.Target == "alone") {
			t.Errorf("%s to %s at %s in %s", p.From, p.Target, p.To, p.Family)
		}
	}
	if pairs[v1alpha1.IPv4] != 4*3 || pairs[v1alpha1.IPv6] != 3*2 {
		t.Errorf("there are %v pairs", pairs)
	}
}

// A node and its anycast twin are asked at other addresses, if they have any: a sender does not answer itself.
func TestPairsAreAskedAtAddressesThatTheSenderLacks(t *testing.T) {
	twin := func(name string, more ...string) v1alpha1.Namespace {
		return v1alpha1.Namespace{Name: name, NodeConfig: v1alpha1.NodeConfig{Loopbacks: append([]string{"10.9.9.9/32"}, more...)}}
	}
	lab, err := (&Machine{}).Lab(state.Identity{Namespace: "default", Name: "anycast"}, v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{twin("a"), twin("b", "10.9.9.10/32"), {Name: "host", NodeConfig: v1alpha1.NodeConfig{Loopbacks: []string{"10.1.0.1/32"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lab.pairs(0) {
		want := map[string]string{"a to b": "10.9.9.10", "b to a": "10.9.9.9", "host to a": "10.9.9.9", "host to b": "10.9.9.9"}[p.Name]
		if want != "" && p.To.String() != want {
			t.Errorf("%s at %s, want %s", p.Name, p.To, want)
		}
	}
}
