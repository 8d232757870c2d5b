// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Agents work without the API server: what is damaged while it is down is repaired, what is
// whole is left alone, and afterwards the status is right.
func TestAnOutageOfTheServerChangesNothing(t *testing.T) {
	s := begin(t)
	ns, all := tenant(t, "outage"), nodes(t)
	lab := routedPair(t, ns, "kept")
	createReady(t, lab)
	damaged, whole := all[:len(all)-1], all[len(all)-1]
	down := eitherTime(30*time.Second, 2*time.Minute)
	before := links(t, whole, ns, lab.Name)
	stream := startStream(t, whole, ns, lab.Name, pairPath)

	t.Cleanup(func() { machinery(t, "apiserver", "start") })
	machinery(t, "apiserver", "stop")
	start := time.Now()
	var repairs spread
	for time.Since(start) < down {
		for _, node := range damaged {
			repairs = append(repairs, damage(t, node, ns+"."+lab.Name+".ns1"))
		}
		time.Sleep(down / 6)
	}
	machinery(t, "apiserver", "start")
	s.counted("API server down for %.0f s; drift on %d nodes seen repaired meanwhile after %s", time.Since(start).Seconds(), len(damaged), repairs)

	took := eventually(t, patience, "the status is right", func() error { return errors.Join(readyOn(t, lab, len(all)), agentsReady(t, len(all))) })
	if got := links(t, whole, ns, lab.Name); got != before {
		t.Errorf("the links have changed, before:\n%s\nafter:\n%s", before, got)
	}
	tally := stream.end(t)
	if tally.Lost != 0 || tally.Sent == 0 {
		t.Errorf("the stream: %+v", tally)
	}
	s.counted("%d packets sent, %d lost; Ready on %s %.1f s afterwards", tally.Sent, tally.Lost, lab.Status.Nodes.Summary, took.Seconds())
}

// damage deletes the address of the tutorial's ns1 and returns how long it stays away. A
// repair that comes before the first look counts as 0.
func damage(t *testing.T, node, netns string) time.Duration {
	t.Helper()
	inLab(t, node, netns, "ip", "address", "delete", "192.0.2.1/24", "dev", "l1")
	return eventually(t, soon, "the address is back on "+node, func() error {
		if out := inLab(t, node, netns, "ip", "-o", "-4", "address", "show", "dev", "l1"); !strings.Contains(out, "192.0.2.1/24") {
			return fmt.Errorf("l1 has: %s", out)
		}
		return nil
	})
}

func agentsReady(t *testing.T, want int) error {
	pods := slices.DeleteFunc(agents(t), func(p corev1.Pod) bool { return !podReady(p) })
	if len(pods) != want {
		return fmt.Errorf("%d of %d agents are Ready", len(pods), want)
	}
	return nil
}
