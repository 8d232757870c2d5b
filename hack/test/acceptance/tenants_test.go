// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

// While large labs of one namespace are built, edited and deleted, the lab of another is repaired. `make bench-tenants`
// does this with five labs of nearly the largest size that is accepted, and prints how long the repairs take.
func TestOneTenantDoesNotHurtAnother(t *testing.T) {
	grid := labtest.Grid{Routers: 60, Hosts: 40, Loopbacks: 1} // 13,000 rows
	labs, _ := strconv.Atoi(os.Getenv("NETLAB_LARGE_LABS"))
	if labs > 0 {
		grid = labtest.Grid{Routers: labtest.MaxRouters, Hosts: labtest.MaxNamespaces, Loopbacks: 3} // 114,000
	}
	c := newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	apply(t, "{apiVersion: v1, kind: Namespace, metadata: {name: crowd}}")
	s := newTenants(t, c, max(1, labs), grid)
	s.phase("nothing else happens", func() { time.Sleep(time.Duration(1+labs) * time.Second) })
	s.phase("built", func() { s.apply(0); s.wait() })
	s.phase("edited", func() { s.apply(1); s.wait() })
	if labs > 0 {
		time.Sleep(20 * time.Second)
		s.rest(2 * time.Minute)
	}
	s.phase("deleted", func() { kubectl(t, "delete", "netlab", "--all", "--namespace=crowd", "--wait=false"); s.gone() })
}

// tenants are a lab that is damaged and repaired all the time, and large labs of another namespace.
type tenants struct {
	*testing.T
	cluster *cluster
	labs    int
	grid    labtest.Grid
	repairs *repairs
}

func newTenants(t *testing.T, c *cluster, labs int, grid labtest.Grid) *tenants {
	t.Helper()
	return &tenants{T: t, cluster: c, labs: labs, grid: grid, repairs: watchRepairs(t, "default.routed-pair.ns1", "l1", "192.0.2.1/24")}
}

// phase damages the small lab again and again while something is done to the others.
func (s *tenants) phase(name string, do func()) {
	s.Helper()
	before := cpuOf(s.T, s.cluster.agent)
	start, done := time.Now(), make(chan struct{})
	var took []time.Duration
	var most memory
	var work sync.WaitGroup
	work.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			took = append(took, s.repairs.once())
			if now := memoryOf(s.T, s.cluster.agent); now.all() > most.all() {
				most = now
			}
		}
	})
	do()
	close(done)
	work.Wait()
	slices.Sort(took)
	if len(took) == 0 || took[len(took)-1] == lost {
		s.Fatalf("%s: %d repairs, the last after %v", name, len(took), took[max(0, len(took)-1):])
	}
	s.Logf("%d large labs, %s: %s, %d repairs, p50 %s, p99 %s, longest %s; the agent takes %s and %.0f %% of a CPU", s.labs, name,
		time.Since(start).Round(100*time.Millisecond), len(took), rounded(took[len(took)/2]), rounded(took[len(took)*99/100]), rounded(took[len(took)-1]),
		most, 100*(cpuOf(s.T, s.cluster.agent)-before).Seconds()/time.Since(start).Seconds())
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// rest prints what the agent takes while nothing happens.
func (s *tenants) rest(length time.Duration) {
	before := cpuOf(s.T, s.cluster.agent)
	time.Sleep(length)
	s.Logf("%d large labs, at rest: the agent takes %s and %.1f %% of a CPU", s.labs, memoryOf(s.T, s.cluster.agent),
		100*(cpuOf(s.T, s.cluster.agent)-before).Seconds()/length.Seconds())
}

// apply applies the large labs. Revisions differ in a route of each router.
func (s *tenants) apply(revision int) {
	for i := range s.labs {
		netlab := s.grid.Lab(fmt.Sprintf("large-%d", i))
		netlab.Namespace = "crowd"
		for j := range netlab.Spec.Routers {
			r := &netlab.Spec.Routers[j]
			r.Routes = append(r.Routes, v1alpha1.Route{To: fmt.Sprintf("192.168.%d.0/24", revision), Type: v1alpha1.RouteBlackhole})
		}
		text, err := json.Marshal(netlab)
		if err != nil {
			s.Fatal(err)
		}
		apply(s.T, string(text))
	}
}

// wait waits until every large lab is as its last revision.
func (s *tenants) wait() {
	for i := range s.labs {
		name := fmt.Sprintf("netlab/large-%d", i)
		generation := kubectl(s.T, "get", "--namespace=crowd", name, "-o", "jsonpath={.metadata.generation}")
		eventually(s.T, 10*time.Minute, name, func() error {
			_, err := try(machine.kubectl, "wait", "--namespace=crowd", name, "--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].observedGeneration}="+generation, "--timeout=60s")
			if err == nil {
				_, err = try(machine.kubectl, "wait", "--namespace=crowd", name, "--for=condition=Ready", "--timeout=60s")
			}
			return err
		})
	}
}

func (s *tenants) gone() {
	eventually(s.T, 5*time.Minute, "the large labs are gone", func() error {
		time.Sleep(100 * time.Millisecond)
		left, err := filepath.Glob("/run/netlab/netns/crowd.*")
		if len(left) > 0 {
			return fmt.Errorf("%d namespaces are left", len(left))
		}
		return err
	})
}

// repairs deletes an address and waits for its return.
type repairs struct {
	*testing.T
	namespace, link, address string
	// added has a token for each time that the address is added.
	added chan time.Time
}

// lost is the time of a repair that did not come.
const lost = 2 * time.Minute

func watchRepairs(t *testing.T, namespace, link, address string) *repairs {
	t.Helper()
	r := &repairs{T: t, namespace: namespace, link: link, address: address, added: make(chan time.Time, 16)}
	monitor := exec.Command("ip", "-n", namespace, "monitor", "address")
	out, err := monitor.StdoutPipe()
	if err == nil {
		err = monitor.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		monitor.Process.Kill() //nolint:errcheck // it may have ended already
		monitor.Wait()         //nolint:errcheck // killed on purpose
	})
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if line := lines.Text(); strings.Contains(line, " "+address+" ") && !strings.HasPrefix(line, "Deleted") {
				r.added <- time.Now()
			}
		}
	}()
	time.Sleep(200 * time.Millisecond) // until it listens
	return r
}

// once is the time from the damage to the repair.
func (r *repairs) once() time.Duration {
	for len(r.added) > 0 {
		<-r.added
	}
	eventually(r.T, lost, "the address is there", func() error {
		_, err := try("ip", "-n", r.namespace, "address", "delete", r.address, "dev", r.link)
		return err
	})
	start := time.Now()
	select {
	case at := <-r.added:
		return max(0, at.Sub(start))
	case <-time.After(lost):
		return lost
	}
}

// cpuOf is the CPU time that a process has used.
func cpuOf(t *testing.T, p *process) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		t.Fatalf("read the CPU time of %s: %q", p.name, stat)
	}
	const ticks = 100 // in a second, on every Linux
	return time.Duration(user+system) * time.Second / ticks
}
