// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// eventStorm is the number of link events in a storm, as fast as the kernel makes them.
const eventStorm = 10_000

// While one network namespace has a storm of events, the agent looks at its lab a few times, repairs the labs of others,
// and takes no more memory; after it, the lab of the storm is repaired, too.
func TestAStormOfEventsIsOneReasonToLook(t *testing.T) {
	c := newCluster(t)
	copies(t, 2, "spec:\n", "spec:\n")
	waitFor(t, "pair-0", "Ready")
	waitFor(t, "pair-1", "Ready")
	repairs := watchRepairs(t, "default.pair-1.ns1", "l1", "192.0.2.1/24")
	looks, resyncs, before := metric(t, "netlab_converge_seconds_count"), metric(t, "netlab_event_resyncs_total"), memoryOf(t, c.agent)

	started := time.Now()
	storm := exec.Command("ip", "-n", "default.pair-0.ns1", "-batch", stormOf(t, eventStorm))
	if err := storm.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- storm.Wait() }()
	took := []time.Duration{repairs.once()}
	for over := false; !over; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the storm: %v", err)
			}
			over = true
		case <-time.After(50 * time.Millisecond):
			took = append(took, repairs.once())
		}
	}
	length := time.Since(started)
	looks, resyncs = metric(t, "netlab_converge_seconds_count")-looks, metric(t, "netlab_event_resyncs_total")-resyncs
	slices.Sort(took)
	t.Logf("%d link events in one namespace in %s: %.0f looks, %.0f losses of events; %d repairs of another lab, p50 %s, longest %s; the agent has %s, %s before",
		eventStorm, rounded(length), looks, resyncs, len(took), rounded(took[len(took)/2]), rounded(took[len(took)-1]), memoryOf(t, c.agent), before)
	if took[len(took)-1] == lost {
		t.Error("a repair of the other lab did not come")
	}
	if looks > eventStorm/20 {
		t.Errorf("%.0f looks: events are not merged", looks)
	}
	if grown := memoryOf(t, c.agent).own - before.own; grown > 64 {
		t.Errorf("the agent has taken %.0f MiB", grown)
	}
	own := watchRepairs(t, "default.pair-0.ns1", "l1", "192.0.2.1/24")
	if own.once() == lost {
		t.Error("the lab of the storm is not repaired after it")
	}
}

// stormOf is a batch for ip that causes so many link events on an interface of no lab.
func stormOf(t *testing.T, events int) (file string) {
	t.Helper()
	var batch strings.Builder
	batch.WriteString("link add stranger type bridge\n")
	for i := range events {
		fmt.Fprintf(&batch, "link set stranger mtu %d\n", 1400+i%2)
	}
	batch.WriteString("link delete stranger\n")
	file = filepath.Join(t.TempDir(), "storm")
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Two labs exchange the names of their nodes in one edit, while a third lab takes the same names: each address is on the
// node that the spec names, there and back.
func TestLabsExchangeTheNamesOfNodes(t *testing.T) {
	newCluster(t)
	copies(t, 2, "spec:\n", "spec:\n")
	waitFor(t, "pair-0", "Ready")
	waitFor(t, "pair-1", "Ready")
	exchanged := strings.NewReplacer("ns1", "ns2", "ns2", "ns1")
	holders := []string{"ns1", "ns2"}
	for round := range 2 {
		slices.Reverse(holders)
		var all strings.Builder
		for lab := range 3 {
			text := readSample(t, "routed-pair")
			if round == 0 && lab < 2 {
				text = exchanged.Replace(text)
			}
			fmt.Fprintf(&all, "---\n%s\n", strings.Replace(text, "{name: routed-pair}", fmt.Sprintf("{name: pair-%d}", lab), 1))
		}
		apply(t, all.String())
		for lab := range 3 {
			name := fmt.Sprintf("pair-%d", lab)
			generation := kubectl(t, "get", "netlab/"+name, "-o", "jsonpath={.metadata.generation}")
			kubectl(t, "wait", "netlab/"+name, `--for=jsonpath={.status.conditions[?(@.type=="Ready")].observedGeneration}=`+generation, "--timeout=60s")
			waitFor(t, name, "Ready")
			left := holders[0]
			if lab == 2 {
				left = "ns1"
			}
			if got := addresses(t, "default."+name+"."+left, "l1"); !slices.Equal(got, []string{"192.0.2.1/24"}) {
				t.Errorf("round %d: %s of %s has %v", round, left, name, got)
			}
			run(t, "ip", "netns", "exec", "default."+name+"."+left, "ping", "-c", "1", "-W", "5", "198.51.100.1")
		}
	}
}

// An agent that starts again among many labs looks at each, and writes neither to the kernel nor into the API.
// NETLAB_RESTART_LABS=1000 NETLAB_QUIET_SECONDS=60 does it with a thousand.
func TestARestartAmongManyLabsWritesNothing(t *testing.T) {
	labs := fromEnvironment(t, "NETLAB_RESTART_LABS", 12)
	quiet := time.Duration(fromEnvironment(t, "NETLAB_QUIET_SECONDS", 0)) * time.Second
	c := newCluster(t, "--max-labs=0", "--max-namespaces=0", "--max-rows=0")
	c.mustBeReady(t, "Static", labs, labs)
	time.Sleep(quiet + 6*time.Second) // collected status writes go out within 5 s
	before := apiWrites(t)
	c.agent.stop()
	started := time.Now()
	c.startAgent()
	ready := time.Since(started)
	eventually(t, 10*time.Minute, "the agent has looked at every lab", func() error {
		time.Sleep(50 * time.Millisecond)
		if looks := metric(t, "netlab_converge_seconds_count"); looks < float64(labs) {
			return fmt.Errorf("%.0f looks at %d labs", looks, labs)
		}
		return nil
	})
	looked := time.Since(started)
	time.Sleep(quiet + 6*time.Second)
	ops := metric(t, "netlab_operations_total")
	t.Logf("%d labs: the agent is Ready %s after its start, and has looked at the last lab after %s; %.0f operations on the kernel; it has %s",
		labs, rounded(ready), rounded(looked), ops, memoryOf(t, c.agent))
	if ops != 0 {
		t.Errorf("%.0f operations on the kernel", ops)
	}
	for resource, n := range apiWrites(t) {
		if delta := n - before[resource]; delta != 0 {
			t.Errorf("%d writes of %s to the API server", delta, resource)
		}
	}
}
