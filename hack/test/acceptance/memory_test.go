// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// tutorialsInALab are how many of the tutorial's labs, of three namespaces each, are in one lab of
	// TestTheAgentsMemory; some of them have a probe. A probe takes four entries of the neighbour table,
	// of which a machine has 1,024 by default.
	tutorialsInALab = 34
	probesInALab    = 8
	// mostMemory is what an agent may have with a thousand namespaces, in MiB, once nothing happens.
	mostMemory = 60
)

// The agent as it runs in a cluster, with its client of the API, its informers, its metrics and its
// probes. `make bench-agent` tells it with ten labs, which are 1,020 namespaces.
func TestTheAgentsMemory(t *testing.T) {
	labs, err := strconv.Atoi(os.Getenv("NETLAB_AGENT_LABS"))
	if err != nil {
		labs = 1
	}
	c := newCluster(t)
	idle := memoryOf(t, c.agent)
	for i := range labs {
		apply(t, tutorials(fmt.Sprintf("lab-%d", i)))
	}
	eventually(t, 5*time.Minute, "every lab is ready", func() error {
		_, err := try(machine.kubectl, "wait", "netlab", "--all", "--for=condition=Ready", "--timeout=60s")
		return err
	})
	var most, quiet memory
	for range 3 * labs { // with ten labs three compares of everything; what building took is given back meanwhile
		time.Sleep(time.Second)
		if quiet = memoryOf(t, c.agent); quiet.all() > most.all() {
			most = quiet
		}
	}
	t.Logf("%d namespaces in %d labs with %d probes: %s; up to %s in the %d s before; without labs %s",
		3*tutorialsInALab*labs, labs, probesInALab*labs, quiet, most, 3*labs, idle)
	if quiet.all() > mostMemory {
		t.Errorf("the agent has %s, more than %d MiB", quiet, mostMemory)
	}
}

// tutorials is a lab of many that have nothing to do with each other.
func tutorials(name string) string {
	var namespaces, routers, subnets, links, probes strings.Builder
	for i := range tutorialsInALab {
		fmt.Fprintf(&namespaces, "  - {name: a%d}\n  - {name: b%d}\n", i, i)
		fmt.Fprintf(&routers, "  - {name: r%d}\n", i)
		for side, host := range []string{"a", "b"} {
			fmt.Fprintf(&subnets, "  - {name: %s%d, cidrs: [10.%d.%d.0/24]}\n", host, i, side, i)
			fmt.Fprintf(&links, "  - {name: %s%d, subnet: %s%d, endpoints: [{name: %s%d}, {name: r%d}]}\n", host, i, host, i, host, i, i)
		}
		if i < probesInALab {
			fmt.Fprintf(&probes, "  - {name: p%d, from: a%d, to: b%d}\n", i, i, i)
		}
	}
	return fmt.Sprintf("apiVersion: netlab.dev/v1alpha1\nkind: NetLab\nmetadata: {name: %s}\nspec:\n"+
		"  namespaces:\n%s  routers:\n%s  subnets:\n%s  links:\n%s  probes:\n%s",
		name, &namespaces, &routers, &subnets, &links, &probes)
}

// memory is what a process has of the machine's, in MiB: its own, and its program's file as far as
// it was read, which the machine can take back.
type memory struct{ own, file float64 }

func (m memory) all() float64 { return m.own + m.file }

func (m memory) String() string {
	return fmt.Sprintf("%.0f MiB (%.0f its own, %.0f of its program)", m.all(), m.own, m.file)
}

func memoryOf(t *testing.T, p *process) memory {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	mebibytes := func(key string) float64 {
		_, after, _ := strings.Cut(string(status), key+":")
		var kilobytes float64
		if _, err := fmt.Sscan(after, &kilobytes); err != nil {
			t.Fatalf("%s of %s: %v", key, p.name, err)
		}
		return kilobytes / 1024
	}
	return memory{own: mebibytes("RssAnon") + mebibytes("RssShmem"), file: mebibytes("RssFile")}
}
