// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

const (
	stepsVariable = "NETLAB_WALK_STEPS"
	defaultSteps  = 200
	// Every so many steps the lab is compared with one that was built at once, and every so many it
	// becomes another one altogether.
	stepsPerFresh = 50
	stepsPerLab   = 100
)

// opsPerRow is how many operations a row that changes may take: the row itself, and one that it takes
// along and that has to be written again.
const opsPerRow = 2

// fixedLab is part of every lab of a walk, and no edit names it. The stream goes through it.
const fixedLab = `
namespaces:
- {name: fix-a, routes: [{to: default, via: fix-r}]}
- {name: fix-b, routes: [{to: default, via: fix-r}]}
routers: [{name: fix-r}]
switches: [{name: fix-s, subnet: fix-1}]
subnets:
- {name: fix-1, cidrs: [192.0.2.0/24, "fd00:f1::/64"]}
- {name: fix-2, cidrs: [198.51.100.0/24, "fd00:f2::/64"]}
links:
- {name: fix-1, endpoints: [{name: fix-a}, {name: fix-s}]}
- {name: fix-2, endpoints: [{name: fix-s}, {name: fix-r}]}
- {name: fix-3, subnet: fix-2, endpoints: [{name: fix-r}, {name: fix-b}]}
`

var walkLab = state.Identity{Namespace: "default", Name: "walk", Owner: state.LocalOwner("default", "walk")}

// withFixed puts the fixed part before a random lab.
func withFixed(t testing.TB, spec *v1alpha1.NetLabSpec) *v1alpha1.NetLabSpec {
	t.Helper()
	var all v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(fixedLab), &all); err != nil {
		t.Fatal(err)
	}
	all.Routing, all.DriftPolicy, all.Neighbors = spec.Routing, spec.DriftPolicy, spec.Neighbors
	all.Namespaces = append(all.Namespaces, spec.Namespaces...)
	all.Routers = append(all.Routers, spec.Routers...)
	all.Switches = append(all.Switches, spec.Switches...)
	all.Subnets = append(all.Subnets, spec.Subnets...)
	all.Links = append(all.Links, spec.Links...)
	return &all
}

// walk is a lab on its way from one spec to the next.
type walk struct {
	k    *kernel.Kernel
	g    *labtest.Generator
	spec *v1alpha1.NetLabSpec
	have state.State
	// out is the outcome of the last step, parts how many looks were at a part of the lab.
	out   converge.Outcome
	parts int
	// story is what was edited so far, steps counts all.
	story []string
	ops   int
	rows  int
	worst float64
	which string
}

// walkParts is how many labs are edited, each in a sandbox of its own.
const walkParts = 4

// A lab that is edited step by step is after each step exactly what it would be if it had been built like
// that, an edit costs in proportion to what it changes, and what it does not name loses no packet.
func TestEditedLabsEqualFreshOnesAndTheRestGoesOn(t *testing.T) {
	mine := kernel.Apart(t, walkParts)
	if mine == nil {
		return
	}
	steps, seed := count(t, stepsVariable, defaultSteps), count(t, seedVariable, 1)
	for part := range uint64(walkParts) {
		if mine(int(part)) {
			walkFrom(t, seed+part, steps/walkParts)
		}
	}
}

func walkFrom(t *testing.T, seed, steps uint64) {
	k := newMachine(t)
	w := &walk{k: k, g: labtest.New(seed, k.Lacks())}
	started := time.Now()
	w.spec = withFixed(t, w.g.Spec())
	w.become(t, "build")
	s := startStream(t, k, walkLab.NetworkNamespace("fix-a"), walkLab.NetworkNamespace("fix-b"), "198.51.100.1")
	fresh := 0
	for step := range steps {
		w.step(t, step)
		if step%stepsPerFresh == stepsPerFresh-1 {
			w.compareWithFresh(t)
			fresh++
		}
	}
	s.end(t)
	t.Logf("%s=%d: %d edits in %.1f s: %d operations for %d rows that changed; at most %.2f for one (%s); %d times compared with a fresh build",
		seedVariable, seed, steps, time.Since(started).Seconds(), w.ops, w.rows, w.worst, w.which, fresh)
	t.Logf("beside it: %s", s)
	s.mustHaveArrived(t)
	if _, err := converge.Remove(t.Context(), k, walkLab); err != nil {
		t.Error(err)
	}
}

func (w *walk) step(t *testing.T, step uint64) {
	t.Helper()
	what := ""
	if step%stepsPerLab == stepsPerLab-1 {
		w.spec, what = withFixed(t, w.g.Spec()), "another lab"
		w.story = nil
	} else {
		w.spec, what = w.g.Edit(w.spec)
	}
	w.become(t, what)
}

// become makes the machine hold the spec and checks what that took.
func (w *walk) become(t *testing.T, what string) {
	t.Helper()
	w.story = append(w.story, what)
	lab, err := lab.Compile(walkLab, w.spec, lab.Options{Symlinks: true, HasNetem: w.k.HasNetem})
	if err != nil {
		t.Fatalf("after %q: %v", what, err)
	}
	plan := state.Diff(w.have, lab.Want)
	out, err := converge.ConvergeFrom(t.Context(), compared{w.k, t, &w.parts}, walkLab, lab.Want, w.out, nil)
	if err != nil || !out.State.Equal(lab.Want) {
		t.Fatalf("after\n%s\nit is not there: %v\nleft:\n%splan:\n%s", strings.Join(w.story, "\n"), err, texts(out.Left), texts(plan))
	}
	if texts(out.Applied) != texts(plan) {
		t.Errorf("after\n%s\nthe plan\n%swas not enough; applied was\n%s", strings.Join(w.story, "\n"), texts(plan), texts(out.Applied))
	}
	w.weigh(t, what, plan, w.have.Changes(lab.Want))
	w.have, w.out = out.State.Clone(), out
}

// weigh checks that the plan is no longer than the change.
func (w *walk) weigh(t *testing.T, what string, plan []state.Op, rows int) {
	t.Helper()
	w.ops += len(plan)
	w.rows += rows
	if len(plan) == 0 {
		return
	}
	if cost := float64(len(plan)) / float64(max(1, rows)); cost > w.worst {
		w.worst, w.which = cost, fmt.Sprintf("%s: %d operations, %d rows", what, len(plan), rows)
	}
	if len(plan) > opsPerRow*rows {
		t.Errorf("%s: %d operations for %d rows:\n%s", what, len(plan), rows, texts(plan))
	}
}

// freshVariable holds the spec that a process of its own builds at once.
const freshVariable = "NETLAB_FRESH_SPEC"

// compareWithFresh builds the same lab at once, on a machine of its own, and compares all that ip says of
// the two, which is more than a State holds.
func (w *walk) compareWithFresh(t *testing.T) {
	t.Helper()
	text, err := yaml.Marshal(w.spec)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const machine = `mount -t tmpfs tmpfs /run && mkdir /run/netlab /run/netns && ip link set lo up && exec "$0" -test.run='^TestFreshBuild$' -test.v`
	command := exec.CommandContext(t.Context(), "unshare", "-m", "-n", "sh", "-c", machine, self)
	command.Env = append(os.Environ(), freshVariable+"="+string(text))
	out, err := command.CombinedOutput()
	_, fresh, found := strings.Cut(string(out), dumpBegin)
	fresh, _, ended := strings.Cut(fresh, dumpEnd)
	if err != nil || !found || !ended {
		t.Fatalf("build the lab afresh: %v\n%s", err, out)
	}
	if edited := dumpLab(t, w.k, w.have); edited != fresh {
		t.Errorf("after\n%s\nthe lab differs from one built at once (- edited, + fresh):\n%s", strings.Join(w.story, "\n"), differ(edited, fresh))
	}
}

const dumpBegin, dumpEnd = "BEGIN\n", "END\n"

// TestFreshBuild is the process that builds a lab at once; on its own it does nothing.
func TestFreshBuild(t *testing.T) {
	text, ok := os.LookupEnv(freshVariable)
	if !ok {
		return
	}
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	k := newMachine(t)
	lab, err := lab.Compile(walkLab, &spec, lab.Options{Symlinks: true, HasNetem: k.HasNetem})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := converge.Converge(t.Context(), k, walkLab, lab.Want); err != nil || !out.Realized() {
		t.Fatalf("%v: %v", err, out.Left)
	}
	fmt.Print(dumpBegin, dumpLab(t, k, lab.Want), dumpEnd)
}

// dumpScript says of every namespace all that a lab may change.
const dumpScript = `cd /run/netns && for n in default.walk.*; do
	echo "== $n"
	ip -n $n -d address show
	ip -n $n -4 route show table all
	ip -n $n -6 route show table all
	ip -n $n rule; ip -n $n -6 rule; ip -n $n neigh show nud permanent
	bridge -n $n link; bridge -n $n vlan 2>/dev/null || true
	tc -n $n qdisc show
	ip netns exec $n sysctl -a 2>/dev/null | grep -E '^net\.(ipv4|ipv6|bridge)\.' | LC_ALL=C sort
done`

// chance are parts of a dump that differ between any two machines, and stats that only say what happened.
var chance = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^\d+: `),                              // interface indexes
	regexp.MustCompile(`@[^: ]+|link-netnsid \d+|link-netns \S+`), // those of peers
	regexp.MustCompile(`(?m)^.*net\.ipv[46]\.(route|neigh|conf|netfilter)\.\S*(gc_|stable_secret|base_reachable_time_ms|error_).*\n`),
	regexp.MustCompile(`(?m)^.*(_gc_|tcp_fastopen_key|igmp_qrv|nf_conntrack|ip_local_port_range).*\n`),
	regexp.MustCompile(`(designated_\w+|config_pending|topology_change_ack) \S+|(hello|tcn|topology_change|gc|message_age|forward_delay|hold)_timer +\S+`),
	regexp.MustCompile(`root_(id|port|path_cost) \S+|port_(id|no) \S+|topology_change(_detected)? \d|ageing_time \d+`),          // short while a spanning tree changes
	regexp.MustCompile(`state (UP|DOWN|LOWERLAYERDOWN|UNKNOWN|forwarding|disabled|listening|learning|blocking)|<[A-Z,_0-9-]*>`), // carriers take a moment
	regexp.MustCompile(`qdisc \S+( [0-9a-f]+:)?( dev \S+)?( root)?( refcnt \d+)?|qlen 1000`),
	regexp.MustCompile(` *\blinkdown\b|(gso|gro|tso)_\w+ \d+`), // a bridge's follow the ports it ever had
}

// dumpLab is the dump without what is left to chance, in an order of its own, once links that come up
// have done so: the kernel makes the routes to their addresses then.
func dumpLab(t testing.TB, k *kernel.Kernel, want state.State) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); settling(t, k, want) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	out, err := exec.Command("sh", "-c", dumpScript).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var all strings.Builder
	for block := range strings.SplitSeq(strings.TrimPrefix(string(out), "== "), "\n== ") {
		block = withoutRoutesOfDownLinks(block)
		for _, part := range chance {
			block = part.ReplaceAllString(block, "")
		}
		lines := slices.DeleteFunc(strings.Split(block, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
		slices.Sort(lines[1:])
		fmt.Fprintf(&all, "== %s\n", strings.Join(lines, "\n"))
	}
	return all.String()
}

func settling(t testing.TB, k *kernel.Kernel, want state.State) bool {
	t.Helper()
	found, err := k.Observe(t.Context(), walkLab, want)
	if err != nil {
		t.Fatal(err)
	}
	return len(found.Settling) > 0
}

// flags are those of an interface.
var flags = regexp.MustCompile(`(?m)^\d+: ([^@: ]+)\S* <([A-Z,_0-9-]*)>`)

// withoutRoutesOfDownLinks drops the routes to addresses of links that are down. The kernel takes them away
// when a link goes down, and makes them for an address that a link gets while it is down.
func withoutRoutesOfDownLinks(block string) string {
	for _, link := range flags.FindAllStringSubmatch(block, -1) {
		if !slices.Contains(strings.Split(link[2], ","), "UP") {
			routes := regexp.MustCompile(`(?m)^(local|anycast) .* dev ` + regexp.QuoteMeta(link[1]) + ` table local .*\n`)
			block = routes.ReplaceAllString(block, "")
		}
	}
	return block
}

// differ lists the lines that only one of two texts has, with the namespace they are of.
func differ(a, b string) string {
	tagged := func(text string) map[string]int {
		lines, section := map[string]int{}, ""
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, "== "); ok {
				section = strings.TrimSpace(name)
			}
			lines[section+": "+line]++
		}
		return lines
	}
	inA, inB := tagged(a), tagged(b)
	var all []string
	for line, n := range inA {
		if n > inB[line] {
			all = append(all, "- "+line)
		}
	}
	for line, n := range inB {
		if n > inA[line] {
			all = append(all, "+ "+line)
		}
	}
	slices.SortFunc(all, func(x, y string) int { return strings.Compare(x[2:], y[2:]) })
	return strings.Join(all, "")
}
