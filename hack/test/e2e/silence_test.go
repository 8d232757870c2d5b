// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// promisedSilence is after how long a silent node is called Unknown at the latest.
const promisedSilence = 90 * time.Second

// A node whose kubelet has stopped, or that is gone, is Unknown, and its
// labs are not Ready, within 90 s. When it is back, so are they.
func TestASilentNodeIsUnknown(t *testing.T) {
	s := begin(t)
	ns, all := tenant(t, "silence"), nodes(t)
	if len(all) < 3 {
		t.Fatalf("this story takes the kubelet of one node and the whole of another away, and there are only %d", len(all))
	}
	lab := routedPair(t, ns, "watched")
	createReady(t, lab)

	deaf, lost := all[len(all)-2], all[len(all)-1]
	bringBack := sync.OnceFunc(func() {
		machinery(t, "node", "kubelet-start", deaf)
		machinery(t, "node", "start", lost)
	})
	t.Cleanup(bringBack)
	machinery(t, "node", "kubelet-stop", deaf)
	machinery(t, "node", "stop", lost)
	start := time.Now()
	eventually(t, 2*promisedSilence, "both nodes are Unknown", func() error { return unknown(t, lab, deaf, lost) })
	took := time.Since(start)
	s.counted("kubelet of %s stopped, %s gone: Unknown after %.0f s, Ready is %s/%s", deaf, lost, took.Seconds(),
		conditionOf(lab, v1alpha1.ConditionReady).Status, conditionOf(lab, v1alpha1.ConditionReady).Reason)
	if took > promisedSilence {
		t.Errorf("it took %s, %s are promised", took, promisedSilence)
	}

	back := time.Now()
	bringBack()
	eventually(t, 3*patience, "the lab is Ready everywhere again", func() error { return readyOn(t, lab, len(all)) })
	s.counted("Ready on %s %.0f s after both were back", lab.Status.Nodes.Summary, time.Since(back).Seconds())
}

// unknown says nil once exactly these nodes are Unknown and the lab is not Ready.
func unknown(t *testing.T, lab *v1alpha1.NetLab, want ...string) error {
	if says(t, lab, v1alpha1.ConditionReady, metav1.ConditionTrue) == nil {
		return fmt.Errorf("it is Ready on %s", lab.Status.Nodes.Summary)
	}
	var got []string
	for _, node := range lab.Status.NodeSummaries {
		if node.Ready == metav1.ConditionUnknown {
			got = append(got, node.Name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || int(lab.Status.Nodes.Unknown) != len(want) {
		return fmt.Errorf("unknown are %v, not %v: %+v", got, want, lab.Status.Nodes)
	}
	return nil
}
