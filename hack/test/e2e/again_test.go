// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// againRounds is how often a lab is deleted and created again; each takes a pause of the agents.
func againRounds() int {
	if long {
		return 30
	}
	return 3
}

// From creating a lab again to seeing Ready=True of the new one, right after it was deleted and half a second later.
func TestALabThatIsDeletedAndCreatedAgainIsReady(t *testing.T) {
	s := begin(t)
	ns := tenant(t, "again")
	for _, apart := range []time.Duration{0, 500 * time.Millisecond} {
		name := fmt.Sprintf("after-%d", apart.Milliseconds())
		ready := watchUIDs(t, ns, name)
		old := routedPair(t, ns, name)
		createReady(t, old)
		var took spread
		for range againRounds() {
			time.Sleep(agentPause)
			next := routedPair(t, ns, name)
			if err := api.Delete(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			time.Sleep(apart)
			start := time.Now()
			create(t, next)
			took = append(took, ready(next).Sub(start))
			old = next
		}
		s.counted("created again %s after it was deleted, to Ready=True on %d nodes: %s", apart, len(nodes(t)), took)
	}
}

// watchUIDs returns when a lab of that name and of one UID was Ready first.
func watchUIDs(t *testing.T, ns, name string) (ready func(*v1alpha1.NetLab) time.Time) {
	t.Helper()
	type sighted struct {
		lab *v1alpha1.NetLab
		at  time.Time
	}
	seen := make(chan sighted, 1000)
	observe(t, &v1alpha1.NetLabList{}, func(lab *v1alpha1.NetLab) {
		if lab.Name == name && isReady(lab) {
			seen <- sighted{lab, time.Now()}
		}
	}, client.InNamespace(ns))
	return func(wanted *v1alpha1.NetLab) time.Time {
		t.Helper()
		timeout := time.After(soon)
		for {
			select {
			case got := <-seen:
				if got.lab.UID == wanted.UID {
					return got.at
				}
			case <-timeout:
				t.Fatalf("%s was not Ready again within %s", name, soon)
			}
		}
	}
}
