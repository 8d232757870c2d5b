// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// edition is a generation of a lab.
type edition struct {
	lab        string
	generation int64
}

// observer sees every object as a user's watch does.
type observer struct {
	mu sync.Mutex
	// ready is when an edition was first seen to be Ready.
	ready map[edition]time.Time
	// labs and reporting are how many labs each node reports, of nodes that report.
	reporting map[string]int
	// largestLab and largestState are in bytes of JSON.
	largestLab, largestState int
}

func newObserver(ctx context.Context, c cache.Cache) (*observer, error) {
	o := &observer{ready: map[edition]time.Time{}, reporting: map[string]int{}}
	saw := toolscache.ResourceEventHandlerFuncs{
		AddFunc:    o.saw,
		UpdateFunc: func(_, object any) { o.saw(object) },
	}
	for _, object := range []client.Object{&v1alpha1.NetLab{}, &v1alpha1.NetLabNodeState{}} {
		informer, err := c.GetInformer(ctx, object)
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", object, err)
		}
		if _, err := informer.AddEventHandler(saw); err != nil {
			return nil, fmt.Errorf("watch %T: %w", object, err)
		}
	}
	return o, nil
}

func (o *observer) saw(object any) {
	encoded, _ := json.Marshal(object) // it came as JSON
	o.mu.Lock()
	defer o.mu.Unlock()
	switch seen := object.(type) {
	case *v1alpha1.NetLab:
		o.largestLab = max(o.largestLab, len(encoded))
		is := edition{seen.Name, seen.Generation}
		if _, known := o.ready[is]; !known && isReady(seen) {
			o.ready[is] = time.Now()
		}
	case *v1alpha1.NetLabNodeState:
		o.largestState = max(o.largestState, len(encoded))
		if seen.Status.Agent.Version != "" {
			o.reporting[seen.Name] = int(seen.Status.LabCount)
		}
	}
}

// isReady reports whether the lab's status speaks of its spec and says Ready.
func isReady(lab *v1alpha1.NetLab) bool {
	ready := meta.FindStatusCondition(lab.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == "True" && ready.ObservedGeneration == lab.Generation
}

// since returns how long each edition took to be Ready, and how many have not been.
func (o *observer) since(applied map[edition]time.Time) (took []time.Duration, missing int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for is, at := range applied {
		if ready, ok := o.ready[is]; ok {
			took = append(took, ready.Sub(at))
		} else {
			missing++
		}
	}
	return took, missing
}

// nodesThatReport counts nodes that report so many labs.
func (o *observer) nodesThatReport(labs int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, reported := range o.reporting {
		if reported == labs {
			n++
		}
	}
	return n
}

// sizes are the largest objects seen so far, in bytes of JSON.
func (o *observer) sizes() (lab, state int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.largestLab, o.largestState
}
