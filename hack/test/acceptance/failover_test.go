// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// secondMetrics is where a second controller answers.
const secondMetrics = "127.0.0.1:18083"

// Of two controllers one works. When it stops, the other goes on at once; when it dies, as soon
// as its Lease has run out. The one that takes over finds everything said, and writes nothing.
func TestASecondControllerTakesOver(t *testing.T) {
	c := newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	second := startController(t, secondMetrics)
	defer second.stop()
	eventually(t, 10*time.Second, "the second controller answers", func() error { return scrapable(secondMetrics) })
	if leads(t, secondMetrics) || !leads(t, controllerMetrics) {
		t.Fatal("it is not the first alone that leads")
	}
	if n := statusWrites(t, secondMetrics); n != 0 {
		t.Errorf("a controller that does not lead has written %v times", n)
	}

	took := handOver(t, c.controller.stop, secondMetrics)
	t.Logf("stopped: the other led after %s", took.Round(10*time.Millisecond))
	oneWriter(t, secondMetrics, "stopped")

	c.controller = startController(t, controllerMetrics)
	eventually(t, 10*time.Second, "the first controller is back", func() error { return scrapable(controllerMetrics) })
	took = handOver(t, second.kill, controllerMetrics)
	t.Logf("killed: the other led after %s", took.Round(10*time.Millisecond))
	oneWriter(t, controllerMetrics, "killed")
}

// handOver ends one controller and waits until the other leads.
func handOver(t *testing.T, end func(), heir string) time.Duration {
	t.Helper()
	end()
	return eventually(t, 40*time.Second, "the other leads", func() error {
		if !leads(t, heir) {
			return errors.New("it does not")
		}
		return nil
	})
}

// oneWriter makes sure that the new leader repeats nothing, and then does the work: an edit's
// status is written by it, and the lab is Ready again.
func oneWriter(t *testing.T, leader, after string) {
	t.Helper()
	eventually(t, 10*time.Second, "the new leader has looked at every lab", func() error {
		text, err := scrape(leader)
		if err == nil && sumOf(t, text, "controller_runtime_reconcile_total", `controller="summary"`) == 0 {
			err = errors.New("it has not")
		}
		return err
	})
	if n := statusWrites(t, leader); n != 0 {
		t.Errorf("the new leader wrote %v times what was there", n)
	}
	kubectl(t, "patch", "netlab", "routed-pair", "--type=merge", "-p", fmt.Sprintf(`{"spec":{"routers":[{"name":"router"},{"name":"after-%s"}]}}`, after))
	eventually(t, 20*time.Second, "the edit is summed up", func() error {
		generations := kubectl(t, "get", "netlab", "routed-pair", "-o", "jsonpath={.metadata.generation} {.status.observedGeneration}")
		if is, observed, _ := strings.Cut(generations, " "); is != observed {
			return fmt.Errorf("generation and observed generation are %s", generations)
		}
		return nil
	})
	waitFor(t, "routed-pair", "Ready")
	if statusWrites(t, leader) == 0 {
		t.Error("the new leader did not write the status of an edit: who did?")
	}
}

func scrapable(address string) error {
	_, err := scrape(address)
	return err
}

func leads(t *testing.T, address string) bool {
	t.Helper()
	text, err := scrape(address)
	if err != nil {
		t.Fatal(err)
	}
	return sumOf(t, text, "leader_election_master_status", `name="netlab-controller"`) == 1
}

func statusWrites(t *testing.T, address string) float64 {
	t.Helper()
	text, err := scrape(address)
	if err != nil {
		t.Fatal(err)
	}
	return sumOf(t, text, "netlab_status_writes_total")
}
