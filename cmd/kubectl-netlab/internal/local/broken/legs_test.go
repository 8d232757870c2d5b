// SPDX-License-Identifier: Apache-2.0

package broken

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Variables that make the tests of random multipath labs longer, or repeat one seed.
const (
	legLabsVariable = "NETLAB_LEG_LABS"
	legSeedVariable = "NETLAB_LEG_SEED"
)

func variable(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is %q, not a number", name, text)
	}
	return n
}

// ladderLab is a ladder that is built.
type ladderLab struct {
	*testing.T
	*ladder
	machine *local.Machine
	kernel  *kernel.Kernel
	lab     *ask.Lab
	name    string
}

func (l *ladderLab) namespace(node string) string {
	return local.Identity("default", l.name).NetworkNamespace(node)
}

func buildLadder(t *testing.T, seed uint64) *ladderLab {
	t.Helper()
	return build(t, newLadder(seed), fmt.Sprintf("ladder%d", seed))
}

func build(t *testing.T, lad *ladder, name string) *ladderLab {
	t.Helper()
	machine, err := theMachine()
	if err != nil {
		t.Fatal(err)
	}
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	l := &ladderLab{T: t, ladder: lad, machine: machine, kernel: k, name: name}
	t.Cleanup(func() { _, _ = machine.Down(context.Background(), "default", l.name) })
	l.up()
	if l.lab, err = machine.Lab(t.Context(), "default", l.name); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *ladderLab) up() {
	l.Helper()
	netlab := &v1alpha1.NetLab{Spec: l.spec}
	netlab.Namespace, netlab.Name = "default", l.name
	if _, err := l.machine.Up(l.Context(), netlab); err != nil {
		l.Fatalf("%v\n%s", err, l.text())
	}
}

func (l *ladderLab) text() []byte {
	text, err := yaml.Marshal(l.spec)
	if err != nil {
		l.Fatal(err)
	}
	return text
}

// target is an address of a node, of any family.
func (l *ladderLab) target(node string) string {
	var found []string
	for key := range l.lab.Want[l.namespace(node)].Addresses {
		if !state.IsLinkLocal(key.Prefix.Addr()) {
			found = append(found, key.Prefix.Addr().String())
		}
	}
	slices.Sort(found)
	return found[l.random.IntN(len(found))]
}

// sentPackets counts the packets that left through each link of each node.
func (l *ladderLab) sentPackets() map[string]int {
	l.Helper()
	sent := map[string]int{}
	for _, node := range l.nodes {
		err := l.kernel.Enter(l.namespace(node), func() error {
			text, err := os.ReadFile("/proc/thread-self/net/dev")
			for line := range strings.Lines(string(text)) {
				link, numbers, ok := strings.Cut(strings.TrimSpace(line), ":")
				fields := strings.Fields(numbers)
				if !ok || len(fields) < 10 || link == state.Loopback {
					continue
				}
				sent[node+" "+link], _ = strconv.Atoi(fields[9])
			}
			return err
		})
		if err != nil {
			l.Fatal(err)
		}
	}
	return sent
}

const pings = 20

// taken lists the links through which pings and replies leave, by the counters of the interfaces.
func (l *ladderLab) taken(from, to string) (links []string) {
	l.Helper()
	before, replies := l.sentPackets(), 0
	err := l.lab.Ping(l.Context(), ask.Path{From: from, To: to}, ask.PingOptions{Count: pings, Interval: time.Microsecond}, func(a ask.Attempt) {
		if a.Replied() {
			replies++
		}
	})
	if err != nil || replies < pings {
		l.Fatalf("%s to %s: %d replies, %v", from, to, replies, err)
	}
	for link, sent := range l.sentPackets() {
		if sent-before[link] >= pings {
			links = append(links, link)
		}
	}
	slices.Sort(links)
	return links
}

// named lists the links that a walk names, and whether it knows all of them.
func named(walk diagnose.Walk) (links []string, known bool) {
	known = true
	for _, hop := range slices.Concat(walk.Forward, walk.Back) {
		known = known && !hop.LegUnknown
		if hop.Outgoing != "" {
			links = append(links, hop.Node+" "+hop.Outgoing)
		}
	}
	slices.Sort(links)
	return slices.Compact(links), known
}

func (l *ladderLab) explain(from, to string) ask.Explanation {
	l.Helper()
	explanations, err := l.lab.ExplainPath(l.Context(), ask.Path{From: from, To: to})
	if err != nil || len(explanations) != 1 {
		l.Fatalf("%d explanations, %v", len(explanations), err)
	}
	return explanations[0]
}

// The packets' way is counted at the links: explain names it, or says that it does not know the leg.
func TestExplainNamesTheLegsThatPacketsTake(t *testing.T) {
	first := variable(t, legSeedVariable, 1)
	right, unknown, legs := 0, 0, 0
	for seed := range variable(t, legLabsVariable, 3) {
		l := buildLadder(t, uint64(first+seed))
		nodes := l.nodes
		if l.spec.Routing == v1alpha1.RoutingManual { // the routes lead to hosts
			nodes = slices.Concat(l.left, l.right)
		}
		for range 40 {
			from, to := l.pick(nodes), l.pick(nodes)
			if from == to {
				continue
			}
			address := l.target(to)
			explanation := l.explain(from, address)
			walk := explanation.Walk
			got, known := named(walk)
			for _, hop := range slices.Concat(walk.Forward, walk.Back) {
				legs += min(1, len(hop.Legs))
			}
			if !known {
				unknown++
			}
			if !known || !explanation.Passed {
				continue
			}
			if want := l.taken(from, address); !slices.Equal(got, want) {
				t.Errorf("seed %d: the packets leave through %v\n%s", first+seed, want, walk)
				continue
			}
			right++
		}
		if _, err := l.machine.Down(t.Context(), "default", l.name); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d paths with %d choices of a leg named right, %d with an unknown leg", right, legs, unknown)
	if right == 0 {
		t.Error("no path was named")
	}
}

// addressOf is an address of a node on a link.
func (l *ladderLab) addressOf(node, link string, ipv6 bool) netip.Prefix {
	for key := range l.lab.Want[l.namespace(node)].Addresses {
		if key.Link == link && key.Prefix.Addr().Is6() == ipv6 && !state.IsLinkLocal(key.Prefix.Addr()) {
			return key.Prefix
		}
	}
	l.Fatalf("%s has no address on %s", node, link)
	return netip.Prefix{}
}

// probedOver is the destination of a node's route over a link, to the target of a probe.
func (l *ladderLab) probedOver(node, link string, ipv6 bool) netip.Prefix {
	var found []netip.Prefix
	for key, route := range l.lab.Want[l.namespace(node)].Routes {
		hops := route.NextHops()
		if key.Prefix.Addr().Is6() == ipv6 && len(hops) > 0 && hops[0].Link == link && l.isProbed(key.Prefix) {
			found = append(found, key.Prefix)
		}
	}
	if len(found) == 0 {
		l.Fatalf("%s has no route to a target over %s", node, link)
	}
	slices.SortFunc(found, netip.Prefix.Compare)
	return found[l.random.IntN(len(found))]
}

func (l *ladderLab) isProbed(p netip.Prefix) bool {
	return slices.ContainsFunc(l.lab.Probes, func(probe lab.Probe) bool { return p.Contains(probe.To) })
}

func (l *ladderLab) peerOf(node, link string) (peer string) {
	return state.NodeOf(l.lab.Want[l.namespace(node)].Links[link].Peer.Namespace)
}

// legFaults break a leg by hand: the router in it, on one of its links, for a family. The cause is about a node.
var legFaults = map[string]func(l *ladderLab, node, link string, ipv6 bool) (script, about string){
	"forwarding": func(_ *ladderLab, node, _ string, ipv6 bool) (script, about string) {
		if ipv6 {
			return fmt.Sprintf("ip netns exec $%s sysctl -qw net.ipv6.conf.all.forwarding=0", node), node
		}
		return fmt.Sprintf("ip netns exec $%s sysctl -qw net.ipv4.ip_forward=0", node), node
	},
	"forwarding of a link": func(_ *ladderLab, node, link string, _ bool) (script, about string) {
		return fmt.Sprintf("ip netns exec $%s sysctl -qw net.ipv4.conf.%s.forwarding=0", node, link), node
	},
	"link down": func(_ *ladderLab, node, link string, _ bool) (script, about string) {
		return fmt.Sprintf("ip -n $%s link set %s down", node, link), node
	},
	"no route": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		return fmt.Sprintf("ip -n $%s route delete %s", node, l.probedOver(node, link, ipv6)), node
	},
	"blackhole": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		p := l.probedOver(node, link, ipv6)
		return fmt.Sprintf("ip -n $%s route add blackhole %s/%d", node, p.Addr(), p.Bits()+1), node
	},
	"loop": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		back := l.addressOf(l.peerOf(node, l.otherLink(node, link)), l.otherLink(node, link), ipv6).Addr()
		return fmt.Sprintf("ip -n $%s route replace %s via %s", node, l.probedOver(node, link, ipv6), back), node
	},
	"no address": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		return fmt.Sprintf("ip -n $%s address delete %s dev %s", node, l.addressOf(node, link, ipv6), link), node
	},
	"neighbour entry": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		address := l.addressOf(node, link, ipv6).Addr()
		return fmt.Sprintf("ip -n $%s neighbour replace %s dev %s lladdr 02:00:00:00:00:01 nud permanent", l.peerOf(node, link), address, link), node
	},
	"mtu": func(_ *ladderLab, node, link string, _ bool) (script, about string) {
		return fmt.Sprintf("ip -n $%s link set %s mtu 1290", node, link), node
	},
	"rule": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		return fmt.Sprintf("ip %s -n $%s rule add pref 100 to %s prohibit", familyOption(ipv6), node, l.probedOver(node, link, ipv6)), node
	},
	"gateway": func(l *ladderLab, node, link string, ipv6 bool) (script, about string) {
		other := l.otherLink(node, link)
		before, nobody := l.peerOf(node, other), "77"
		gateway := l.addressOf(node, other, ipv6).Addr()
		p, route := l.multipath(before, gateway, ipv6)
		for _, hop := range route.NextHops() {
			via := hop.Via.String()
			if hop.Via == gateway {
				via = via[:strings.LastIndexAny(via, ".:")+1] + nobody
			}
			script += fmt.Sprintf(" nexthop via %s dev %s", via, hop.Link)
		}
		return fmt.Sprintf("ip -n $%s route replace %s proto 78%s", before, p, script), before
	},
	"rp_filter": func(l *ladderLab, node, link string, _ bool) (script, about string) {
		after := l.peerOf(node, link)
		gateway := l.addressOf(node, link, false).Addr()
		p, route := l.multipath(after, gateway, false)
		for _, hop := range route.NextHops() {
			if hop.Via != gateway {
				script = fmt.Sprintf("ip -n $%s route replace %s proto 78 via %s dev %s", after, p, hop.Via, hop.Link)
			}
		}
		return script + fmt.Sprintf("; ip netns exec $%s sysctl -qw net.ipv4.conf.all.rp_filter=1", after), after
	},
	"impairment": func(_ *ladderLab, node, link string, _ bool) (script, about string) {
		return fmt.Sprintf("tc -n $%s qdisc add dev %s root tbf rate 1mbit burst 40 limit 1000", node, link), node
	},
	"filter": func(_ *ladderLab, node, _ string, _ bool) (script, about string) {
		return fmt.Sprintf("ip netns exec $%s nft 'add table inet t; add chain inet t f { type filter hook forward priority 0; policy drop; }'", node), node
	},
}

func familyOption(ipv6 bool) string {
	if ipv6 {
		return "-6"
	}
	return "-4"
}

// otherLink is the second link of a router in a leg.
func (l *ladderLab) otherLink(node, link string) string {
	for other := range l.lab.Want[l.namespace(node)].Links {
		if other != link && other != state.Loopback {
			return other
		}
	}
	l.Fatalf("%s has one link", node)
	return ""
}

// multipath is a route of a node to a probe's target with a gateway among several.
func (l *ladderLab) multipath(node string, gateway netip.Addr, ipv6 bool) (netip.Prefix, state.Route) {
	routes := l.lab.Want[l.namespace(node)].Routes
	for _, key := range slices.SortedFunc(maps.Keys(routes), func(a, b state.RouteKey) int { return a.Prefix.Compare(b.Prefix) }) {
		via := func(h state.NextHop) bool { return h.Via == gateway }
		if key.Prefix.Addr().Is6() == ipv6 && l.isProbed(key.Prefix) && len(routes[key].NextHops()) > 1 && slices.ContainsFunc(routes[key].NextHops(), via) {
			return key.Prefix, routes[key]
		}
	}
	l.Fatalf("%s has no multipath route via %s", node, gateway)
	return netip.Prefix{}, state.Route{}
}

// explainAll explains all probes, again while the neighbour table that all tests share is full.
func (l *ladderLab) explainAll() (all []ask.Explanation) {
	l.Helper()
	for range 30 {
		all = l.explainOnce()
		noRoom := func(e ask.Explanation) bool {
			return strings.Contains(e.Walk.Cause.Message, "neighbour table is full")
		}
		if !slices.ContainsFunc(all, noRoom) {
			break
		}
		time.Sleep(time.Second)
	}
	return all
}

// explainOnce explains all probes at the same time: those without a reply wait for it.
func (l *ladderLab) explainOnce() []ask.Explanation {
	l.Helper()
	all := make([][]ask.Explanation, probes)
	errs := make([]error, len(all))
	var asking sync.WaitGroup
	for i := range all {
		asking.Go(func() { all[i], errs[i] = l.lab.Explain(l.Context(), fmt.Sprintf("p%d", i)) })
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		l.Fatal(err)
	}
	return slices.Concat(all...)
}

// paste runs a script in which every node has a variable with its network namespace.
func (l *ladderLab) paste(script string) {
	l.Helper()
	var variables strings.Builder
	for _, node := range l.nodes {
		fmt.Fprintf(&variables, "%s=%s\n", node, l.namespace(node))
	}
	if out, err := exec.Command("sh", "-c", variables.String()+script).CombinedOutput(); err != nil {
		l.Errorf("pasted %s\n%s%v", script, out, err)
	}
}

// found are the causes and warnings of walks.
func found(explanations []ask.Explanation) (causes []diagnose.Cause) {
	for _, e := range explanations {
		if e.Walk.Cause.Found() {
			causes = append(causes, e.Walk.Cause)
		}
	}
	for _, e := range explanations {
		causes = append(causes, e.Walk.Warnings...)
	}
	return causes
}

// judge checks that every failure, and every warning, is about the node with the fault.
func (l *ladderLab) judge(explanations []ask.Explanation, node string) (mentioned bool) {
	l.Helper()
	for _, e := range explanations {
		unexplained := !e.Walk.Cause.Found() || strings.HasSuffix(e.Walk.Cause.Message, "forwards the request and the reply")
		if e.Passed == e.Walk.Cause.Found() || !e.Passed && unexplained {
			l.Errorf("passed %v (%s)\n%s", e.Passed, e.Family, e.Walk)
		}
	}
	for _, cause := range found(explanations) {
		if mentioned = true; cause.Node != node && !strings.Contains(cause.Message, node) {
			l.Errorf("%s is not about %s", cause, node)
		}
	}
	return mentioned
}

// maxSteps is more than one because setting a link down takes its IPv6 routes along.
const maxSteps = 30

// heal pastes the first fix until there is nothing left to fix.
func (l *ladderLab) heal(explanations []ask.Explanation) (steps int) {
	l.Helper()
	pasted := map[string]bool{}
	for ; len(found(explanations)) > 0; steps++ {
		cause := found(explanations)[0]
		command := commandIn(cause.Fix)
		switch {
		case pasted[command] || steps > maxSteps:
			l.Errorf("after %d steps: %s", steps, cause)
			return steps
		case command != "":
			l.paste(command)
		case strings.Contains(cause.Fix, "repair it with up -f"): // the command is too long
			l.up()
		case strings.HasPrefix(cause.Fix, "check whether it is intended: "):
			l.paste("ip netns exec $" + cause.Node + " nft flush ruleset")
		}
		pasted[command] = true
		l.Logf("step %d: %s", steps+1, cause)
		explanations = l.explainAll()
	}
	return steps
}

// A fault on a random leg is named by every probe that fails by it, a warning of those that pass, and each fix
// heals.
func TestAFaultOnOneLegIsNamedAndFixed(t *testing.T) {
	first := variable(t, legSeedVariable, 1)
	for i := range variable(t, legLabsVariable, 1) {
		for _, name := range slices.Sorted(maps.Keys(legFaults)) {
			t.Run(fmt.Sprintf("%s %d", name, first+i), func(t *testing.T) {
				t.Parallel()
				breakLeg(t, uint64(1000*(first+i)+slices.Index(slices.Sorted(maps.Keys(legFaults)), name)), name)
			})
		}
	}
}

// The same, with the fault in the spec.
func TestALegBrokenInTheSpecIsNamedAndFixed(t *testing.T) {
	first := variable(t, legSeedVariable, 1)
	for i := range variable(t, legLabsVariable, 1) {
		for n, name := range slices.Sorted(maps.Keys(specFaults)) {
			t.Run(fmt.Sprintf("%s %d", name, first+i), func(t *testing.T) {
				t.Parallel()
				seed := uint64(1000*(first+i) + 500 + n)
				for l := newLadder(seed); ; l = newLadder(seed) {
					written := l.spec.Routing == v1alpha1.RoutingManual
					if needed := name == "no route" || name == "loop" || name == "link down"; written || !needed {
						breakSpec(t, l, seed, name)
						return
					}
					seed += 10000
				}
			})
		}
	}
}

func breakSpec(t *testing.T, lad *ladder, seed uint64, name string) {
	leg := lad.pick(lad.legs)
	specFaults[name](lad, leg)
	l := build(t, lad, fmt.Sprintf("ladder%d", seed))
	explanations := l.explainAll()
	about := leg
	if name == "two" || name == "mtu" || name == "link down" {
		about = leg[:2] // legs of one stage; the other end of a link
	}
	if !l.judge(explanations, about) {
		t.Errorf("no mention of %s", leg)
		for _, e := range explanations {
			t.Log(e.Walk)
		}
	}
	steps := l.heal(explanations)
	t.Logf("%s of %s: %d explanations; healed in %d steps", name, leg, len(explanations), steps)
	if t.Failed() {
		t.Logf("seed %d\n%s", seed, l.text())
	}
}

func breakLeg(t *testing.T, seed uint64, fault string) {
	l := buildLadder(t, seed)
	if wrong := found(l.explainAll()); len(wrong) > 0 {
		t.Fatalf("before the fault: %v", wrong)
	}
	node := l.legs[l.random.IntN(len(l.legs))]
	links := slices.DeleteFunc(slices.Sorted(maps.Keys(l.lab.Want[l.namespace(node)].Links)), func(link string) bool { return link == state.Loopback })
	script, about := legFaults[fault](l, node, links[l.random.IntN(len(links))], l.random.IntN(2) == 0)
	l.paste(script)
	explanations := l.explainAll()
	if !l.judge(explanations, about) && fault != "filter" {
		t.Errorf("%s: no mention of %s", script, about)
		for _, e := range explanations {
			t.Log(e.Walk)
		}
	}
	passed := 0
	for _, e := range explanations {
		if e.Passed {
			passed++
		}
	}
	steps := l.heal(explanations)
	t.Logf("%s: %d of %d probes pass; healed in %d steps", script, passed, len(explanations), steps)
	if t.Failed() {
		t.Logf("seed %d\n%s", seed, l.text())
	}
}
