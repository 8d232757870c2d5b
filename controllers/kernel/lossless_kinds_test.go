// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// ringLab is four routers in a ring with a host each.
const ringLab = `
namespaces: [{name: h1}, {name: h2}, {name: h3}, {name: h4}]
routers: [{name: r1}, {name: r2}, {name: r3}, {name: r4}]
subnets:
- {name: n1, cidrs: [10.1.0.0/24, "fd00:1::/64"]}
- {name: n2, cidrs: [10.2.0.0/24, "fd00:2::/64"]}
- {name: n3, cidrs: [10.3.0.0/24, "fd00:3::/64"]}
- {name: n4, cidrs: [10.4.0.0/24, "fd00:4::/64"]}
- {name: c12, cidrs: [10.12.0.0/24, "fd00:12::/64"]}
- {name: c23, cidrs: [10.23.0.0/24]}
- {name: c34, cidrs: ["fd00:34::/64"]}
- {name: c41, cidrs: [10.41.0.0/24, "fd00:41::/64"]}
- {name: c13, cidrs: [10.13.0.0/24, "fd00:13::/64"]}
links:
- {name: l1, subnet: n1, endpoints: [{name: h1}, {name: r1}]}
- {name: l2, subnet: n2, endpoints: [{name: h2}, {name: r2}]}
- {name: l3, subnet: n3, endpoints: [{name: h3}, {name: r3}]}
- {name: l4, subnet: n4, endpoints: [{name: h4}, {name: r4}]}
- {name: c12, subnet: c12, endpoints: [{name: r1}, {name: r2}]}
- {name: c23, subnet: c23, endpoints: [{name: r2}, {name: r3}]}
- {name: c34, subnet: c34, endpoints: [{name: r3}, {name: r4}]}
- {name: c41, subnet: c41, endpoints: [{name: r4}, {name: r1}]}
`

const chordLink = `- {name: c13, subnet: c13, endpoints: [{name: r1}, {name: r3}]}
`

// lanLab is a LAN with a router to a far host, and a second router that has no link to the LAN.
const lanLab = `
namespaces: [{name: h1}, {name: h2}, {name: far}, {name: spare}]
routers: [{name: r1}, {name: r2}]
switches: [{name: sw, subnet: lan}]
subnets:
- {name: lan, cidrs: [10.1.0.0/24, "fd00:1::/64"]}
- {name: far, cidrs: [10.2.0.0/24, "fd00:2::/64"]}
- {name: spare, cidrs: [10.3.0.0/24, "fd00:3::/64"]}
- {name: back, cidrs: [10.4.0.0/24, "fd00:4::/64"]}
links:
- {name: h1, endpoints: [{name: h1}, {name: sw}]}
- {name: h2, endpoints: [{name: h2}, {name: sw}]}
- {name: r1, endpoints: [{name: r1}, {name: sw}]}
- {name: far, subnet: far, endpoints: [{name: r1}, {name: far}]}
- {name: spare, subnet: spare, endpoints: [{name: r2}, {name: spare}]}
- {name: back, subnet: back, endpoints: [{name: r1}, {name: r2}]}
`

const secondRouter = `- {name: r2, endpoints: [{name: r2}, {name: sw}]}
`

// manualLab has only written routes: h1 - r1 - r2 - h2, and r3 beside the two.
const manualLab = `
routing: Manual
namespaces:
- {name: h1, routes: [{to: default, via: 10.1.0.254}]}
- {name: h2, routes: [{to: default, via: 10.2.0.254}]}
routers:
- {name: r1, routes: [{to: 10.2.0.0/24, via: 10.12.0.2, metric: 10}]}
- {name: r2, routes: [{to: default, via: 10.12.0.1}]}
- {name: r3, routes: [{to: 10.1.0.0/24, via: 10.13.0.1}, {to: 10.2.0.0/24, via: 10.23.0.1}]}
subnets:
- {name: n1, cidrs: [10.1.0.0/24]}
- {name: n2, cidrs: [10.2.0.0/24]}
- {name: c12, cidrs: [10.12.0.0/24]}
- {name: c13, cidrs: [10.13.0.0/24]}
- {name: c23, cidrs: [10.23.0.0/24]}
links:
- {name: l1, subnet: n1, endpoints: [{name: h1}, {name: r1, addresses: [10.1.0.254/24]}]}
- {name: l2, subnet: n2, endpoints: [{name: h2}, {name: r2, addresses: [10.2.0.254/24]}]}
- {name: c12, subnet: c12, endpoints: [{name: r1, addresses: [10.12.0.1/24]}, {name: r2, addresses: [10.12.0.2/24]}]}
- {name: c13, subnet: c13, endpoints: [{name: r1, addresses: [10.13.0.1/24]}, {name: r3, addresses: [10.13.0.2/24]}]}
- {name: c23, subnet: c23, endpoints: [{name: r2, addresses: [10.23.0.1/24]}, {name: r3, addresses: [10.23.0.9/24]}]}
`

// gatewayLab is a LAN whose hosts know a gateway by its address only, and two routers that can have it.
const gatewayLab = `
namespaces:
- {name: h1, routes: [{to: default, via: 10.1.0.254}, {to: default, via: "fd00:1::fe"}]}
- {name: h2, routes: [{to: default, via: 10.1.0.254}, {to: default, via: "fd00:1::fe"}]}
- {name: far}
routers: [{name: r1}, {name: r2}, {name: core}]
switches: [{name: sw, subnet: lan}]
subnets:
- {name: lan, cidrs: [10.1.0.0/24, "fd00:1::/64"]}
- {name: far, cidrs: [10.2.0.0/24, "fd00:2::/64"]}
- {name: up1, cidrs: [10.3.0.0/24, "fd00:3::/64"]}
- {name: up2, cidrs: [10.4.0.0/24, "fd00:4::/64"]}
links:
- {name: h1, endpoints: [{name: h1}, {name: sw}]}
- {name: h2, endpoints: [{name: h2}, {name: sw}]}
- {name: r1, endpoints: [{name: r1, addresses: [10.1.0.254/24, "fd00:1::fe/64"]}, {name: sw}]}
- {name: r2, endpoints: [{name: r2, addresses: [10.1.0.253/24, "fd00:1::fd/64"]}, {name: sw}]}
- {name: up1, subnet: up1, endpoints: [{name: r1}, {name: core}]}
- {name: up2, subnet: up2, endpoints: [{name: r2}, {name: core}]}
- {name: far, subnet: far, endpoints: [{name: core}, {name: far}]}
`

// kinds are edits by name: a lab, and what is replaced in its text by what, pair by pair.
var kinds = []struct {
	name string
	lab  string
	edit []string
}{
	{"cut a cable of a ring", ringLab, []string{"{name: c12, subnet: c12,", "{name: c12, state: Down, subnet: c12,"}},
	{"mend a cable of a ring", strings.Replace(ringLab, "{name: c12, subnet: c12,", "{name: c12, state: Down, subnet: c12,", 1), []string{"state: Down, ", ""}},
	{"remove a cable of a ring", ringLab, []string{"- {name: c12, subnet: c12, endpoints: [{name: r1}, {name: r2}]}\n", ""}},
	{"add a chord to a ring", ringLab, []string{"links:\n", "links:\n" + chordLink}},
	{"replace a cable by a chord", ringLab, []string{"- {name: c12, subnet: c12, endpoints: [{name: r1}, {name: r2}]}\n", chordLink}},
	{"rename a cable of a ring", ringLab, []string{"{name: c12, subnet: c12,", "{name: d12, subnet: c12,"}},
	{"move an end of a cable of a ring", ringLab, []string{"endpoints: [{name: r1}, {name: r2}]", "endpoints: [{name: r1}, {name: r3}]"}},
	{"an end of a ring's cable gets another interface", ringLab, []string{"[{name: r1}, {name: r2}]", "[{name: r1, interface: eth9}, {name: r2}]"}},
	{"another MAC of a router in a ring", ringLab, []string{"[{name: r1}, {name: r2}]", `[{name: r1, mac: "02:00:00:00:12:01"}, {name: r2}]`}},
	{"another MAC of a host's router", ringLab, []string{"{name: h1}, {name: r1}", `{name: h1}, {name: r1, mac: "02:00:00:00:12:01"}`}},
	{"a router of a ring no longer forwards", ringLab, []string{"{name: r3}, {name: r4}]\nsub", "{name: r3}, {name: r4, forwarding: Disabled}]\nsub"}},
	{"a router of a ring forwards", strings.Replace(ringLab, "{name: r4}]\nsub", "{name: r4, forwarding: Disabled}]\nsub", 1), []string{", forwarding: Disabled", ""}},
	{"a ring's MTU shrinks", ringLab, []string{"{name: c41, subnet: c41,", "{name: c41, mtu: 1300, subnet: c41,"}},
	{"a ring's MTU becomes too small for IPv6", ringLab, []string{"{name: c23, subnet: c23,", "{name: c23, mtu: 1000, subnet: c23,"}},
	{"a ring's MTU grows to IPv6's", strings.Replace(ringLab, "{name: c23, subnet: c23,", "{name: c23, mtu: 1000, subnet: c23,", 1), []string{"mtu: 1000, ", ""}},
	{"a cable of a ring loses IPv4", ringLab, []string{"[10.41.0.0/24, \"fd00:41::/64\"]", "[\"fd00:41::/64\"]"}},
	{"a router of a ring is removed", ringLab, []string{"{name: r3}, {name: r4}]\nsub", "{name: r3}]\nsub", "{name: h4}]", "{name: h4}]",
		"- {name: l4, subnet: n4, endpoints: [{name: h4}, {name: r4}]}\n", "", "- {name: c34, subnet: c34, endpoints: [{name: r3}, {name: r4}]}\n", "",
		"- {name: c41, subnet: c41, endpoints: [{name: r4}, {name: r1}]}\n", ""}},
	{"a router of a ring is renamed", ringLab, []string{"r4", "r5"}},

	{"a second router joins a LAN", lanLab, []string{"links:\n", "links:\n" + secondRouter}},
	{"a second router leaves a LAN", strings.Replace(lanLab, "links:\n", "links:\n"+secondRouter, 1), []string{secondRouter, ""}},
	{"a LAN's router is replaced by another", lanLab, []string{"{name: r1, endpoints: [{name: r1}, {name: sw}]}", "{name: r2, endpoints: [{name: r2}, {name: sw}]}"}},
	{"another host joins a LAN", lanLab, []string{"{name: far}, {name: spare}]\nr", "{name: far}, {name: spare}, {name: h3}]\nr", "links:\n", "links:\n- {name: h3, endpoints: [{name: h3}, {name: sw}]}\n"}},
	{"another host joins a LAN as the first", lanLab, []string{"namespaces: [{name: h1},", "namespaces: [{name: h3}, {name: h1},", "links:\n", "links:\n- {name: h3, endpoints: [{name: h3}, {name: sw}]}\n"}},
	{"a LAN's router gets another MAC", lanLab, []string{"{name: r1, endpoints: [{name: r1},", `{name: r1, endpoints: [{name: r1, mac: "02:00:00:00:12:01"},`}},
	{"a LAN's router gets another MAC that is written everywhere", "neighbors: Static" + lanLab, []string{"{name: r1, endpoints: [{name: r1},", `{name: r1, endpoints: [{name: r1, mac: "02:00:00:00:12:01"},`}},
	{"a LAN's router gets another address", lanLab, []string{"{name: r1, endpoints: [{name: r1},", `{name: r1, endpoints: [{name: r1, addresses: [10.1.0.99/24, "fd00:1::99/64"]},`}},
	{"a LAN is renumbered", lanLab, []string{"[10.1.0.0/24, \"fd00:1::/64\"]", "[10.9.0.0/24, \"fd00:9::/64\"]"}},
	{"a LAN's mask changes", lanLab, []string{"10.1.0.0/24", "10.1.0.0/20"}},
	{"a LAN's IPv6 prefix length changes", lanLab, []string{"fd00:1::/64", "fd00:1::/60"}},
	{"a LAN's IPv6 prefix gets longer", strings.ReplaceAll(lanLab, "fd00:1::/64", "fd00:1::/60"), []string{"fd00:1::/60", "fd00:1::/64"}},
	{"a LAN loses IPv4", lanLab, []string{"[10.1.0.0/24, \"fd00:1::/64\"]", "[\"fd00:1::/64\"]"}},
	{"a LAN loses IPv6", lanLab, []string{"[10.1.0.0/24, \"fd00:1::/64\"]", "[10.1.0.0/24]"}},
	{"a cable behind a LAN is renumbered", lanLab, []string{"[10.4.0.0/24, \"fd00:4::/64\"]", "[10.9.0.0/24, \"fd00:9::/64\"]"}},
	{"a cable behind a LAN loses IPv4", lanLab, []string{"[10.4.0.0/24, \"fd00:4::/64\"]", "[\"fd00:4::/64\"]"}},
	{"two far subnets change places", lanLab, []string{"far, cidrs: [10.2.0.0/24, \"fd00:2::/64\"]", "far, cidrs: [10.3.0.0/24, \"fd00:3::/64\"]",
		"spare, cidrs: [10.3.0.0/24, \"fd00:3::/64\"]", "spare, cidrs: [10.2.0.0/24, \"fd00:2::/64\"]"}},
	{"loopbacks of routers change places", strings.Replace(lanLab, "{name: r1}, {name: r2}", "{name: r1, loopbacks: [10.255.0.1/32]}, {name: r2, loopbacks: [10.255.0.2/32]}", 1),
		[]string{"10.255.0.1/32", "x", "10.255.0.2/32", "10.255.0.1/32", "x", "10.255.0.2/32"}},
	{"a LAN becomes manual", lanLab, []string{"\nnamespaces: [{name: h1}, {name: h2}, {name: far}, {name: spare}]", `
routing: Manual
namespaces: [{name: h1, routes: [{to: default, via: r1}]}, {name: h2, routes: [{to: default, via: r1}]}, {name: far, routes: [{to: lan, via: r1}]}, {name: spare}]`}},

	{"a metric changes", manualLab, []string{"metric: 10", "metric: 20"}},
	{"a metric goes", manualLab, []string{", metric: 10", ""}},
	{"a route becomes a covering prefix", manualLab, []string{"to: 10.2.0.0/24, via: 10.12.0.2, metric: 10", "to: 10.2.0.0/16, via: 10.12.0.2, metric: 10"}},
	{"a route becomes a longer prefix", strings.Replace(manualLab, "to: 10.2.0.0/24, via: 10.12.0.2", "to: 10.2.0.0/16, via: 10.12.0.2", 1), []string{"10.2.0.0/16", "10.2.0.0/24"}},
	{"a default is split", manualLab, []string{"[{to: default, via: 10.1.0.254}]", "[{to: 0.0.0.0/1, via: 10.1.0.254}, {to: 128.0.0.0/1, via: 10.1.0.254}]"}},
	{"a default is joined", strings.Replace(manualLab, "[{to: default, via: 10.1.0.254}]", "[{to: 0.0.0.0/1, via: 10.1.0.254}, {to: 128.0.0.0/1, via: 10.1.0.254}]", 1),
		[]string{"[{to: 0.0.0.0/1, via: 10.1.0.254}, {to: 128.0.0.0/1, via: 10.1.0.254}]", "[{to: default, via: 10.1.0.254}]"}},
	{"a route takes another way", manualLab, []string{"to: 10.2.0.0/24, via: 10.12.0.2, metric: 10", "to: 10.2.0.0/24, via: 10.13.0.2, metric: 10"}},
	{"a route takes another way by a covering prefix", manualLab, []string{"to: 10.2.0.0/24, via: 10.12.0.2, metric: 10", "to: 10.2.0.0/16, via: 10.13.0.2"}},
	{"a route turns round", strings.Replace(manualLab, "{to: 10.2.0.0/24, via: 10.23.0.1}", "{to: 10.2.0.0/24, via: 10.13.0.1}", 1),
		[]string{"to: 10.2.0.0/24, via: 10.12.0.2, metric: 10", "to: 10.2.0.0/24, via: 10.13.0.2, metric: 10", "{to: 10.2.0.0/24, via: 10.13.0.1}", "{to: 10.2.0.0/24, via: 10.23.0.1}"}},
	{"a route turns round by a default", strings.Replace(manualLab, "{to: 10.2.0.0/24, via: 10.23.0.1}", "{to: 10.2.0.0/24, via: 10.13.0.1}, {to: default, via: 10.23.0.1}", 1),
		[]string{"to: 10.2.0.0/24, via: 10.12.0.2, metric: 10", "to: 10.2.0.0/24, via: 10.13.0.2, metric: 10", "{to: 10.2.0.0/24, via: 10.13.0.1}, ", ""}},
	{"a route gets two legs", manualLab, []string{"via: 10.12.0.2, metric: 10", "nextHops: [{via: 10.12.0.2}, {via: 10.13.0.2}], metric: 10"}},
	{"a gateway gets another address", manualLab, []string{"10.1.0.254", "10.1.0.253"}},
	{"a gateway in the middle gets another address", manualLab, []string{"10.12.0.2", "10.12.0.9"}},
	{"a gateway becomes a secondary address", manualLab, []string{"{name: r1, addresses: [10.1.0.254/24]}", "{name: r1, addresses: [10.1.0.7/24, 10.1.0.254/24]}"}},
	{"a gateway becomes a primary address", strings.Replace(manualLab, "{name: r1, addresses: [10.1.0.254/24]}", "{name: r1, addresses: [10.1.0.7/24, 10.1.0.254/24]}", 1),
		[]string{"10.1.0.7/24, ", ""}},

	{"three addresses turn round", strings.Replace(manualLab, "{name: r1, addresses: [10.1.0.254/24]}", "{name: r1, addresses: [10.1.0.7/24, 10.1.0.254/24, 10.1.0.9/24]}", 1),
		[]string{"[10.1.0.7/24, 10.1.0.254/24, 10.1.0.9/24]", "[10.1.0.9/24, 10.1.0.254/24, 10.1.0.7/24]"}},

	{"a gateway moves between routers", gatewayLab, []string{`[10.1.0.254/24, "fd00:1::fe/64"]`, `[10.1.0.252/24, "fd00:1::fc/64"]`, `[10.1.0.253/24, "fd00:1::fd/64"]`, `[10.1.0.254/24, "fd00:1::fe/64"]`}},
	{"two gateways change places", gatewayLab, []string{`[10.1.0.254/24, "fd00:1::fe/64"]`, "x", `[10.1.0.253/24, "fd00:1::fd/64"]`, `[10.1.0.254/24, "fd00:1::fe/64"]`, "x", `[10.1.0.253/24, "fd00:1::fd/64"]`}},
	{"a gateway moves to a router that joins", strings.Replace(gatewayLab, "- {name: r2, endpoints: [{name: r2, addresses: [10.1.0.253/24, \"fd00:1::fd/64\"]}, {name: sw}]}\n", "", 1),
		[]string{"- {name: r1, endpoints: [{name: r1, addresses: [10.1.0.254/24, \"fd00:1::fe/64\"]}, {name: sw}]}\n", "- {name: r2, endpoints: [{name: r2, addresses: [10.1.0.254/24, \"fd00:1::fe/64\"]}, {name: sw}]}\n"}},
}

// specOf reads a lab; pairs are replaced one after the other.
func specOf(t testing.TB, text string, pairs ...string) *spec {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		edited := strings.ReplaceAll(text, pairs[i], pairs[i+1])
		if edited == text && pairs[i] != pairs[i+1] {
			t.Fatalf("%q is not in\n%s", pairs[i], text)
		}
		text = edited
	}
	var s spec
	if err := yaml.UnmarshalStrict([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// costly are the kinds that cannot be without a loss, with the reason.
var costly = map[string]string{
	"move an end of a cable of a ring":                anotherLink,
	"an end of a ring's cable gets another interface": anotherLink,
	"a router of a ring is renamed":                   anotherLink,
	"a cable behind a LAN loses IPv4":                 lastAddress,
	"a cable of a ring loses IPv4":                    lastAddress,
	"two gateways change places":                      onTwoNodes,
}

// crossings is how many labs are edited at the same time: nearly all of the time is spent waiting, for packets that
// get lost and until the kernel has removed a lab.
const crossings = 8

// After every operation of an edit, a packet goes along every way that works before and after the edit, and
// arrives: with the neighbours that the nodes know, and with none.
func TestNoOperationOfAnEditLosesAPacket(t *testing.T) {
	if kernel.Apart(t, 1) == nil {
		return
	}
	var losses losses
	kernel.InParallel(len(kinds), crossings, func(i int) {
		kind := kinds[i]
		t.Run(kind.name, func(t *testing.T) {
			x := newCrossing(t, fmt.Sprintf("kind-%d", i))
			x.costs = costly[kind.name] != ""
			lost, worst := 0, ""
			for _, r := range x.walk(t, specOf(t, kind.lab), specOf(t, kind.lab, kind.edit...)) {
				t.Log(r)
				lost += r.lost()
				worst += ", " + r.worst()
				if reason := inherent(x.before.Want, r.ops); r.lost() > 0 && (costly[kind.name] == "" || costly[kind.name] != reason) {
					t.Errorf("it is listed because %q, and its plan costs something because %q:\n%splan:\n%s", costly[kind.name], reason, r.details(), texts(r.ops))
				}
			}
			if lost == 0 && costly[kind.name] != "" {
				t.Error("it is listed as one that costs something, and does not")
			}
			losses.add(kind.name, lost, worst)
			x.remove(t)
		})
	})
	t.Logf("%d of %d kinds of edit lose nothing%s", losses.without, len(kinds), losses.text())
}

// losses are the kinds of edit that lost packets.
type losses struct {
	mu      sync.Mutex
	without int
	lines   []string
}

func (l *losses) add(kind string, lost int, worst string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lost == 0 {
		l.without++
		return
	}
	l.lines = append(l.lines, fmt.Sprintf("\n%s (%s)%s", kind, costly[kind], worst))
}

func (l *losses) text() string {
	slices.Sort(l.lines)
	return strings.Join(l.lines, "")
}

const (
	lossSeedsVariable = "NETLAB_LOSS_SEEDS"
	defaultLossSeeds  = 1
)

// The same for random labs and every kind of edit that the generator knows, but for edits that cannot be without a
// loss: each packet that is lost takes the test a second.
func TestNoOperationOfARandomEditLosesAPacket(t *testing.T) {
	if kernel.Apart(t, 1) == nil {
		return
	}
	first, kinds := count(t, seedVariable, 1), labtest.EditKinds()
	var crossed randomCrossings
	kernel.InParallel(int(count(t, lossSeedsVariable, defaultLossSeeds))*len(kinds), crossings, func(i int) {
		crossed.cross(t, first+uint64(i/len(kinds)), kinds[i%len(kinds)])
	})
	t.Logf("%d edits; left out: %v", crossed.edits, crossed.left)
}

// randomCrossings counts edits that were made, and those that were left out by their reason.
type randomCrossings struct {
	mu    sync.Mutex
	edits int
	left  map[string]int
}

// cross makes an edit of a kind in a random lab.
func (c *randomCrossings) cross(t *testing.T, seed uint64, kind string) {
	x := newCrossing(t, fmt.Sprintf("cross-%d-%s", seed, kind))
	g := labtest.New(seed, x.k.Lacks())
	before := g.Spec()
	after, what := g.EditOf(before, kind)
	if after == nil || hasTree(before) || hasTree(after) {
		return
	}
	x.plan(t, before, after)
	reason := inherent(x.before.Want, state.Diff(x.before.Want, x.after.Want))
	c.add(reason)
	if reason != "" {
		return
	}
	for _, r := range x.walk(t, before, after) {
		if r.lost() > 0 {
			t.Errorf("seed %d: %s\n%splan:\n%s", seed, what, r.details(), texts(r.ops))
		}
	}
	x.remove(t)
}

func (c *randomCrossings) add(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason == "" {
		c.edits++
		return
	}
	if c.left == nil {
		c.left = map[string]int{}
	}
	c.left[reason]++
}

func (x *crossing) remove(t *testing.T) {
	t.Helper()
	if _, err := converge.Remove(t.Context(), x.k, x.id); err != nil {
		t.Error(err)
	}
}
