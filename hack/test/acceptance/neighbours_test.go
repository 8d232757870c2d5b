// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Labs with probes share the node's neighbour table. With learned neighbours as many are Ready as the budget has room
// for, and the others are refused by name; with static ones all are. Meanwhile the node itself finds a new neighbour,
// and nothing is written once nothing happens. `make bench-neighbours` does it with 1,000 labs.
func TestProbedLabsShareTheNeighbourTable(t *testing.T) {
	labs := fromEnvironment(t, "NETLAB_PROBED_LABS", 12)
	share := fromEnvironment(t, "NETLAB_NEIGHBOUR_SHARE", 2)
	quiet := time.Duration(fromEnvironment(t, "NETLAB_QUIET_SECONDS", 3)) * time.Second
	c := newCluster(t, fmt.Sprintf("--neighbor-share=%d", share), "--max-labs=0", "--max-namespaces=0", "--max-rows=0")
	room := int(metric(t, "netlab_neighbor_entries_budget", `family="IPv4"`)) / entriesOfATutorial
	if room >= labs {
		t.Fatalf("the budget has room for %d labs: this story shows nothing", room)
	}
	for _, mode := range []struct {
		neighbors string
		ready     int
	}{{"Learned", room}, {"Static", labs}} {
		t.Run(mode.neighbors, func(t *testing.T) {
			c.mustBeReady(t, mode.neighbors, labs, mode.ready)
			c.mustStay(t, quiet, mode.ready)
			kubectl(t, "delete", "netlab", "--all", "--wait=false")
			eventually(t, 5*time.Minute, "nothing is left", nothingLeft)
		})
	}
}

// entriesOfATutorial are those that the probe of the tutorial's lab makes: both ends of two links.
const entriesOfATutorial = 4

func fromEnvironment(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(otherwise)))
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// mustBeReady creates labs and waits until as many are Ready as should be, and the rest refused.
func (c *cluster) mustBeReady(t *testing.T, neighbors string, labs, ready int) {
	t.Helper()
	user, system := cpuTimesOf(t, c.agent)
	started := time.Now()
	creating := make(chan error, 1)
	go func() { creating <- createTutorials(t.TempDir(), neighbors, labs) }()
	eventually(t, 9*time.Minute, fmt.Sprintf("%d labs are Ready", ready), func() error {
		return c.count(t, labs, ready)
	})
	if err := <-creating; err != nil {
		t.Fatal(err)
	}
	after, afterSystem := cpuTimesOf(t, c.agent)
	t.Logf("%d labs with %s neighbours: %d are Ready and %d refused after %.1f s; the agent used %.1f s in its own code and %.1f s in the kernel, and has %s",
		labs, neighbors, ready, labs-ready, time.Since(started).Seconds(), after-user, afterSystem-system, memoryOf(t, c.agent))
}

// createTutorials gives the API server the labs, some at a time.
func createTutorials(dir, neighbors string, labs int) error {
	const batch = 100
	for first := 0; first < labs; first += batch {
		var some strings.Builder
		for i := first; i < min(first+batch, labs); i++ {
			fmt.Fprintf(&some, "---\n%s", probedTutorial(fmt.Sprintf("p%04d", i), neighbors))
		}
		file := fmt.Sprintf("%s/labs-%d.yaml", dir, first)
		if err := os.WriteFile(file, []byte(some.String()), 0o600); err != nil {
			return err
		}
		if _, err := try(machine.kubectl, "create", "-f", file); err != nil {
			return err
		}
	}
	return nil
}

func probedTutorial(name, neighbors string) string {
	return fmt.Sprintf(`apiVersion: netlab.dev/v1alpha1
kind: NetLab
metadata: {name: %s}
spec:
  neighbors: %s
  namespaces: [{name: ns1}, {name: ns2}]
  routers: [{name: router}]
  subnets: [{name: left, cidrs: [192.0.2.0/24]}, {name: right, cidrs: [198.51.100.0/24]}]
  links:
  - {name: l1, subnet: left, endpoints: [{name: ns1}, {name: router}]}
  - {name: l2, subnet: right, endpoints: [{name: router}, {name: ns2}]}
  probes: [{name: ns1-ns2, from: ns1, to: ns2}]
`, name, neighbors)
}

// count fails unless so many of the labs are Ready, and the others refused because of the table.
func (c *cluster) count(t *testing.T, labs, ready int) error {
	t.Helper()
	time.Sleep(500 * time.Millisecond)
	out, err := try(machine.kubectl, "get", "netlab", "-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}{"\n"}{end}`)
	isReady, refused := strings.Count(out, "True "), strings.Count(out, "neighbour table: ")
	if err == nil && (isReady != ready || refused != labs-ready) {
		err = fmt.Errorf("%d are Ready, %d refused", isReady, refused)
	}
	return err
}

// mustStay fails if something is written while nothing happens, or the node does not find a neighbour.
func (c *cluster) mustStay(t *testing.T, quiet time.Duration, ready int) {
	t.Helper()
	time.Sleep(quiet + 6*time.Second) // collected status writes go out within 5 s, and a refused lab is Stalled after a minute
	before := apiWrites(t)
	time.Sleep(quiet)
	mustFindANeighbour(t)
	for resource, n := range apiWrites(t) {
		if delta := n - before[resource]; delta != 0 {
			t.Errorf("%d writes of %s to the API server in %s", delta, resource, quiet)
		}
	}
	t.Logf("the node has found a new neighbour after %s in which nothing happened; the agent has %s; the table of IPv4 has %.0f entries that count, of %.0f", quiet, memoryOf(t, c.agent),
		metric(t, "netlab_neighbor_entries", `family="IPv4"`), metric(t, "netlab_neighbor_entries_limit", `family="IPv4"`))
}

// mustFindANeighbour pings one that the node has not met before, from the node's own network namespace.
func mustFindANeighbour(t *testing.T) {
	t.Helper()
	run(t, "sh", "-ec", `trap 'ip netns delete outside; ip link delete outside 2>/dev/null || true' EXIT
ip netns add outside
ip link add outside type veth peer name eth0 netns outside
ip address add 203.0.113.1/24 dev outside
ip link set outside up
ip -n outside address add 203.0.113.2/24 dev eth0
ip -n outside link set eth0 up
ping -c 1 -W 5 203.0.113.2`)
}

// cpuTimesOf is the time that a process has used, in seconds: in its own code, and in the kernel.
func cpuTimesOf(t *testing.T, p *process) (user, system float64) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	ticks := func(field string) float64 {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n / 100 // USER_HZ
	}
	return ticks(fields[11]), ticks(fields[12]) // utime and stime of proc(5)
}
