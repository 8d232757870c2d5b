// SPDX-License-Identifier: Apache-2.0

package broken

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
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
	fmt.Fprintf(&l.spec, "links:\n%s\n", strings.Join(l.links, "\n"))
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
