// SPDX-License-Identifier: Apache-2.0

package broken

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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

// ladder is a random lab: hosts, routers one after the other with several legs between each two, and hosts.
//
//	a0, a1 … -- r0 == r1 == … == rN -- b0, b1 …
//
// A leg is a router of its own, or a second link.
type ladder struct {
	random *rand.Rand
	spec   strings.Builder
	links  []string
	// legs are the routers between two others, left and right are the hosts.
	legs, left, right []string
	stages            int
	nodes             []string
}

func newLadder(seed uint64) *ladder {
	l := &ladder{random: rand.New(rand.NewPCG(seed, 0))}
	l.stages = 1 + l.random.IntN(3)
	var routers []string
	for i := range l.stages + 1 {
		routers = append(routers, l.router(fmt.Sprintf("r%d", i)))
	}
	for i := range l.stages {
		routers = append(routers, l.stage(i)...)
	}
	l.left, l.right = l.hosts("a", "r0"), l.hosts("b", fmt.Sprintf("r%d", l.stages))
	var hosts []string
	for _, h := range slices.Concat(l.left, l.right) {
		hosts = append(hosts, fmt.Sprintf("  - {name: %s}", h))
		l.nodes = append(l.nodes, h)
	}
	fmt.Fprintf(&l.spec, "routing: Auto\nnamespaces:\n%s\nrouters:\n%s\nsubnets:\n", strings.Join(hosts, "\n"), strings.Join(routers, "\n"))
	for i := range l.links {
		fmt.Fprintf(&l.spec, "  - {name: s%d, cidrs: [10.0.%d.0/24, 'fd00:%d::/64']}\n", i, i, i)
	}
	fmt.Fprintf(&l.spec, "links:\n%s\nprobes:\n", strings.Join(l.links, "\n"))
	for i := range probes {
		from, to := l.left[l.random.IntN(len(l.left))], l.right[l.random.IntN(len(l.right))]
		if i%2 == 1 {
			from, to = to, from
		}
		fmt.Fprintf(&l.spec, "  - {name: p%d, from: %s, to: %s, sizeBytes: 1300, timeoutSeconds: 1, failureThreshold: 1}\n", i, from, to)
	}
	return l
}

// router is one in the spec, with random hash policies. Policy 3 exists since Linux 5.14.
func (l *ladder) router(name string) string {
	l.nodes = append(l.nodes, name)
	return fmt.Sprintf("  - {name: %s, sysctls: [{name: net.ipv4.fib_multipath_hash_policy, value: %d}, {name: net.ipv6.fib_multipath_hash_policy, value: %d}]}",
		name, l.random.IntN(4), l.random.IntN(4))
}

func (l *ladder) link(from, to string) {
	n := len(l.links)
	l.links = append(l.links, fmt.Sprintf("  - {name: l%d, subnet: s%d, endpoints: [{name: %s}, {name: %s}]}", n, n, from, to))
}

// stage joins a router to the next by two to four legs.
func (l *ladder) stage(i int) (routers []string) {
	from, to := fmt.Sprintf("r%d", i), fmt.Sprintf("r%d", i+1)
	if l.random.IntN(4) == 0 {
		l.link(from, to)
		l.link(from, to)
		return nil
	}
	for leg := range 2 + l.random.IntN(3) {
		name := fmt.Sprintf("m%d%d", i, leg)
		routers = append(routers, l.router(name))
		l.legs = append(l.legs, name)
		l.link(from, name)
		l.link(name, to)
	}
	return routers
}

// hosts have a link to a router, or two.
func (l *ladder) hosts(prefix, router string) (names []string) {
	for i := range 3 {
		name := fmt.Sprintf("%s%d", prefix, i)
		names = append(names, name)
		l.link(name, router)
		if l.random.IntN(4) == 0 {
			l.link(name, router)
		}
	}
	return names
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
	machine, err := theMachine()
	if err != nil {
		t.Fatal(err)
	}
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	l := &ladderLab{T: t, ladder: newLadder(seed), machine: machine, kernel: k, name: fmt.Sprintf("ladder%d", seed)}
	netlab := &v1alpha1.NetLab{}
	netlab.Namespace, netlab.Name = "default", l.name
	if err := yaml.UnmarshalStrict([]byte(l.spec.String()), &netlab.Spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = machine.Down(context.Background(), "default", l.name) })
	if _, err := machine.Up(t.Context(), netlab); err != nil {
		t.Fatalf("%v\n%s", err, l.spec.String())
	}
	if l.lab, err = machine.Lab(t.Context(), "default", l.name); err != nil {
		t.Fatal(err)
	}
	return l
}

// targets are addresses of a node, one of each family on a random link.
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

// probes is how many a ladder has.
const probes = 6

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

func (l *ladderLab) explain(from, to string) diagnose.Walk {
	l.Helper()
	explanations, err := l.lab.ExplainPath(l.Context(), ask.Path{From: from, To: to})
	if err != nil || len(explanations) != 1 {
		l.Fatalf("%d explanations, %v", len(explanations), err)
	}
	return explanations[0].Walk
}

// The packets' way is counted at the links: explain names it, or says that it does not know the leg.
func TestExplainNamesTheLegsThatPacketsTake(t *testing.T) {
	first := variable(t, legSeedVariable, 1)
	right, unknown, legs := 0, 0, 0
	for seed := range variable(t, legLabsVariable, 3) {
		l := buildLadder(t, uint64(first+seed))
		for range 40 {
			from := l.nodes[l.random.IntN(len(l.nodes))]
			to := l.nodes[l.random.IntN(len(l.nodes))]
			if from == to {
				continue
			}
			address := l.target(to)
			walk := l.explain(from, address)
			got, known := named(walk)
			for _, hop := range slices.Concat(walk.Forward, walk.Back) {
				legs += min(1, len(hop.Legs))
			}
			if !known {
				unknown++
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
func (l *ladderLab) addressOf(node, link string, ipv6 bool) string {
	for key := range l.lab.Want[l.namespace(node)].Addresses {
		if key.Link == link && key.Prefix.Addr().Is6() == ipv6 && !state.IsLinkLocal(key.Prefix.Addr()) {
			return key.Prefix.String()
		}
	}
	l.Fatalf("%s has no address on %s", node, link)
	return ""
}

// routeVia is a route of a node over a link, as ip route writes it.
func (l *ladderLab) routeVia(node, link string, ipv6 bool) string {
	var routes []string
	for key, route := range l.lab.Want[l.namespace(node)].Routes {
		hops := route.NextHops()
		if key.Prefix.Addr().Is6() == ipv6 && len(hops) > 0 && hops[0].Link == link && l.leadsToAHost(key.Prefix) {
			routes = append(routes, key.Prefix.String())
		}
	}
	slices.Sort(routes)
	if len(routes) == 0 {
		return ""
	}
	return routes[l.random.IntN(len(routes))]
}

func (l *ladderLab) leadsToAHost(p netip.Prefix) bool {
	for _, host := range slices.Concat(l.left, l.right) {
		for key := range l.lab.Want[l.namespace(host)].Addresses {
			if p.Contains(key.Prefix.Addr()) {
				return true
			}
		}
	}
	return false
}

func (l *ladderLab) peerOf(node, link string) (peer string) {
	return state.NodeOf(l.lab.Want[l.namespace(node)].Links[link].Peer.Namespace)
}

// legFaults break a leg by hand: the router in it, on one of its links, for a family.
var legFaults = map[string]func(l *ladderLab, node, link string, ipv6 bool) string{
	"forwarding": func(_ *ladderLab, node, _ string, ipv6 bool) string {
		if ipv6 {
			return fmt.Sprintf("ip netns exec $%s sysctl -qw net.ipv6.conf.all.forwarding=0", node)
		}
		return fmt.Sprintf("ip netns exec $%s sysctl -qw net.ipv4.ip_forward=0", node)
	},
	"forwarding of a link": func(_ *ladderLab, node, link string, _ bool) string {
		return fmt.Sprintf("ip netns exec $%s sysctl -qw net.ipv4.conf.%s.forwarding=0", node, link)
	},
	"down": func(_ *ladderLab, node, link string, _ bool) string {
		return fmt.Sprintf("ip -n $%s link set %s down", node, link)
	},
	"route": func(l *ladderLab, node, link string, ipv6 bool) string {
		return fmt.Sprintf("ip -n $%s route delete %s", node, l.routeVia(node, link, ipv6))
	},
	"blackhole": func(l *ladderLab, node, link string, ipv6 bool) string {
		p := netip.MustParsePrefix(l.routeVia(node, link, ipv6))
		return fmt.Sprintf("ip -n $%s route add blackhole %s/%d", node, p.Addr(), p.Bits()+1)
	},
	"loop": func(l *ladderLab, node, link string, ipv6 bool) string {
		for other := range l.lab.Want[l.namespace(node)].Links {
			if other != link && other != state.Loopback {
				back := netip.MustParsePrefix(l.addressOf(l.peerOf(node, other), other, ipv6)).Addr()
				return fmt.Sprintf("ip -n $%s route replace %s via %s", node, l.routeVia(node, link, ipv6), back)
			}
		}
		return ""
	},
	"address": func(l *ladderLab, node, link string, ipv6 bool) string {
		return fmt.Sprintf("ip -n $%s address delete %s dev %s", node, l.addressOf(node, link, ipv6), link)
	},
	"neighbour": func(l *ladderLab, node, link string, ipv6 bool) string {
		address := netip.MustParsePrefix(l.addressOf(node, link, ipv6)).Addr()
		return fmt.Sprintf("ip -n $%s neighbour replace %s dev %s lladdr 02:00:00:00:00:01 nud permanent", l.peerOf(node, link), address, link)
	},
	"mtu": func(_ *ladderLab, node, link string, _ bool) string {
		return fmt.Sprintf("ip -n $%s link set %s mtu 1290", node, link)
	},
	"rule": func(l *ladderLab, node, link string, ipv6 bool) string {
		family := "-4"
		if ipv6 {
			family = "-6"
		}
		return fmt.Sprintf("ip %s -n $%s rule add pref 100 to %s prohibit", family, node, l.routeVia(node, link, ipv6))
	},
}

// explainAll explains all probes at the same time: those without a reply wait for it.
func (l *ladderLab) explainAll() []ask.Explanation {
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

// about are the causes and warnings of walks.
func about(explanations []ask.Explanation) (causes []diagnose.Cause) {
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
		if !e.Passed && (e.Walk.Cause.Reason == v1alpha1.ReasonNoReply || !e.Walk.Cause.Found()) || e.Passed && e.Walk.Cause.Found() {
			l.Errorf("passed %v (%s)\n%s", e.Passed, e.Family, e.Walk)
		}
	}
	for _, cause := range about(explanations) {
		if mentioned = true; cause.Node != node && !strings.Contains(cause.Message, node) {
			l.Errorf("%s is not about %s", cause, node)
		}
	}
	return mentioned
}

// heal pastes the first fix until there is nothing left to fix.
func (l *ladderLab) heal(explanations []ask.Explanation) (steps int) {
	l.Helper()
	pasted := map[string]bool{}
	for ; len(about(explanations)) > 0; steps++ {
		cause := about(explanations)[0]
		command := commandIn(cause.Fix)
		if command == "" || pasted[command] || steps > 8 {
			l.Errorf("after %d steps: %s", steps, cause)
			return steps
		}
		pasted[command] = true
		l.paste(command)
		explanations = l.explainAll()
	}
	return steps
}

// A fault on a random leg is named by every probe that fails by it, a warning of those that pass, and each fix
// heals.
func TestAFaultOnOneLegIsNamedAndFixed(t *testing.T) {
	first := variable(t, legSeedVariable, 1)
	for i := range variable(t, legLabsVariable, 3) {
		for _, name := range slices.Sorted(maps.Keys(legFaults)) {
			seed := uint64(1000*(first+i)) + uint64(len(name))
			t.Run(fmt.Sprintf("%s %d", name, first+i), func(t *testing.T) {
				t.Parallel()
				breakLeg(t, seed+uint64(name[0])*7, legFaults[name])
			})
		}
	}
}

func breakLeg(t *testing.T, seed uint64, fault func(l *ladderLab, node, link string, ipv6 bool) string) {
	l := buildLadder(t, seed)
	if len(l.legs) == 0 {
		t.Skip("no leg has a router")
	}
	if wrong := about(l.explainAll()); len(wrong) > 0 {
		time.Sleep(time.Second)
		if wrong = about(l.explainAll()); len(wrong) > 0 {
			t.Fatalf("before the fault: %v", wrong)
		}
	}
	node := l.legs[l.random.IntN(len(l.legs))]
	links := slices.DeleteFunc(slices.Sorted(maps.Keys(l.lab.Want[l.namespace(node)].Links)), func(link string) bool { return link == state.Loopback })
	script := fault(l, node, links[l.random.IntN(len(links))], l.random.IntN(2) == 0)
	l.paste(script)
	explanations := l.explainAll()
	if !l.judge(explanations, node) {
		t.Errorf("%s: no mention of %s", script, node)
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
		t.Log(script + "\n" + l.spec.String())
	}
}
