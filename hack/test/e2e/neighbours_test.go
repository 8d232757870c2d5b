// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// entriesOfARoutedPair are the neighbour entries that its probe makes: both ends of two links.
const entriesOfARoutedPair = 4

// Labs with probes on nodes that share a kernel, and so its neighbour table: as many are Ready as each agent's share has
// room for, the same ones on every node; the rest are refused by name; and then nothing changes. With
// NETLAB_E2E_PROBED_LABS=200 NETLAB_E2E_NEIGHBOR_SHARE=15 NETLAB_E2E_QUIET_SECONDS=600 it takes a quarter of an hour.
func TestProbedLabsShareOneKernel(t *testing.T) {
	s := begin(t)
	ns := tenant(t, "probed")
	labs, share := number(t, "NETLAB_E2E_PROBED_LABS", 8), number(t, "NETLAB_E2E_NEIGHBOR_SHARE", 2)
	quiet := time.Duration(number(t, "NETLAB_E2E_QUIET_SECONDS", 5)) * time.Second
	withAgentFlags(t, fmt.Sprintf("--neighbor-share=%d", share))
	room := budgetOf(t) / entriesOfARoutedPair
	if room >= labs {
		t.Fatalf("there is room for %d labs of %d: this shows nothing", room, labs)
	}
	started := time.Now()
	for i := range labs {
		create(t, routedPair(t, ns, fmt.Sprintf("lab-%03d", i)))
	}
	eventually(t, time.Duration(60+3*labs)*time.Second, fmt.Sprintf("%d labs are Ready and %d refused", room, labs-room), func() error {
		time.Sleep(500 * time.Millisecond)
		return admittedAre(t, ns, room, labs)
	})
	s.counted("%d labs on each of %d nodes: %d Ready and %d refused after %.0f s", labs, len(nodes(t)), room, labs-room, time.Since(started).Seconds())
	time.Sleep(stalledWait(quiet))
	before, changes := writes(t), watchReady(t, ns)
	time.Sleep(quiet)
	after := writes(t)
	s.counted("%d writes in addition to Leases in %s, and %d labs changed Ready", after-before, quiet, changes())
	if after != before || changes() > 0 {
		t.Error("the labs are not at rest")
	}
	if err := admittedAre(t, ns, room, labs); err != nil {
		t.Error(err)
	}
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(otherwise)))
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// stalledWait is until a refused lab is Stalled, a minute after it was refused. A shorter quiet period ends before that.
func stalledWait(quiet time.Duration) time.Duration {
	if quiet < time.Minute {
		return 2 * agentPause
	}
	return time.Minute + 2*agentPause
}

// budgetOf is the number of IPv4 entries that the labs of a node may use; it is the same on all nodes of one kernel.
func budgetOf(t *testing.T) int {
	t.Helper()
	seen, err := metricsOf(t, agentOn(t, nodes(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return int(seen.sum(t, "netlab_neighbor_entries_budget", `family="IPv4"`))
}

// admittedAre says nil if so many labs are Ready on every node, and the others are refused by name because of the table.
func admittedAre(t *testing.T, ns string, ready, all int) error {
	t.Helper()
	list := &v1alpha1.NetLabList{}
	if err := api.List(t.Context(), list, client.InNamespace(ns)); err != nil {
		return err
	}
	isReadyNow, refused, other := 0, 0, ""
	for i := range list.Items {
		c := conditionOf(&list.Items[i], v1alpha1.ConditionRealized)
		switch {
		case isReady(&list.Items[i]):
			isReadyNow++
		case c.Status == metav1.ConditionFalse && c.Reason == v1alpha1.ReasonLimitExceeded && strings.Contains(c.Message, "neighbour table: "):
			refused++
		default:
			other = fmt.Sprintf("; %s: %s %s: %s", list.Items[i].Name, c.Status, c.Reason, c.Message)
		}
	}
	if isReadyNow != ready || refused != all-ready {
		return fmt.Errorf("%d are Ready, %d refused%s", isReadyNow, refused, other)
	}
	return nil
}

// watchReady counts the labs whose Ready has changed since now.
func watchReady(t *testing.T, ns string) (changed func() int) {
	t.Helper()
	type state struct {
		lab string
		now metav1.ConditionStatus
	}
	seen := make(chan state, 100_000)
	observe(t, &v1alpha1.NetLabList{}, func(lab *v1alpha1.NetLab) {
		seen <- state{lab.Name, conditionOf(lab, v1alpha1.ConditionReady).Status}
	}, client.InNamespace(ns))
	states := map[string][]metav1.ConditionStatus{}
	return func() (n int) {
		for len(seen) > 0 {
			next := <-seen
			if !slices.Contains(states[next.lab], next.now) {
				states[next.lab] = append(states[next.lab], next.now)
			}
		}
		for _, had := range states {
			if len(had) > 1 {
				n++
			}
		}
		return n
	}
}
