// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/state"
)

// sweep finds labs on this machine whose deletion the agent missed: it was not running, or its watch
// broke. It removes nothing itself: it marks them for deletion, and Reconcile removes them.
//
// A lab is marked when two uncached LISTs in a row succeeded without its UID, and then a GET of its name
// did not find it. Any error (forbidden, not found, a timeout) proves nothing and restarts the count: an
// API server that has lost its CRDs must not remove running labs.
type sweep struct {
	kernel        Kernel
	cached        client.Reader
	live          client.Reader
	enqueueDelete func(state.Identity)
	kicked        chan struct{}
	// missed are the labs that the last LIST lacked.
	missed map[state.Identity]bool
}

func newSweep(k Kernel, cached, live client.Reader, enqueueDelete func(state.Identity)) *sweep {
	return &sweep{kernel: k, cached: cached, live: live, enqueueDelete: enqueueDelete, kicked: make(chan struct{}, 1)}
}

// kick starts the next pass now.
func (s *sweep) kick() { signal(s.kicked) }

// confirmAfter is the delay of the second LIST after one that lacked a lab of this machine.
const confirmAfter = 2 * time.Second

// run makes a pass every period until ctx ends, and sooner if a LIST lacked a lab.
func (s *sweep) run(ctx context.Context, period time.Duration) {
	for {
		err := s.pass(ctx)
		if ctx.Err() != nil {
			return
		}
		sweeps.WithLabelValues(cluster.ResultLabel(err)).Inc()
		if err != nil {
			logf.FromContext(ctx).Error(err, "Failed to search for labs whose deletion was missed; trying again", "after", period)
		}
		next := period
		if len(s.missed) > 0 {
			next = min(period, confirmAfter)
		}
		if !wait(ctx, s.kicked, next) {
			return
		}
	}
}

// pass reads the owner labels before the LIST: a lab that is created in between is not among them.
func (s *sweep) pass(ctx context.Context) error {
	before := s.missed
	s.missed = nil
	suspects, err := s.suspects(ctx)
	if err != nil || len(suspects) == 0 {
		return err
	}
	existing, err := uids(ctx, s.live)
	if err != nil {
		return err
	}
	missed := map[state.Identity]bool{}
	for _, id := range suspects {
		if existing[types.UID(id.Owner.UID())] {
			continue
		}
		if !before[id] {
			missed[id] = true
			continue
		}
		switch gone, err := s.gone(ctx, id); {
		case err != nil:
			return err
		case gone:
			logf.FromContext(ctx).Info("Removing a lab whose deletion was missed", "lab", id.String(), "uid", id.Owner.UID())
			labsSwept.Inc()
			s.enqueueDelete(id)
		}
	}
	s.missed = missed
	return nil
}

// suspects are the labs with an agent's owner label that the cache lacks. Without suspects there is no
// LIST.
func (s *sweep) suspects(ctx context.Context) ([]state.Identity, error) {
	labs, err := s.kernel.Labs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the labs of this machine: %w", err)
	}
	cached, err := uids(ctx, s.cached)
	if err != nil {
		return nil, err
	}
	var suspects []state.Identity
	for _, id := range labs {
		if id.Owner.IsAgent() && !cached[types.UID(id.Owner.UID())] {
			suspects = append(suspects, id)
		}
	}
	return suspects, nil
}

func uids(ctx context.Context, from client.Reader) (map[types.UID]bool, error) {
	var list v1alpha1.NetLabList
	if err := from.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list NetLabs: %w", err)
	}
	found := make(map[types.UID]bool, len(list.Items))
	for _, lab := range list.Items {
		found[lab.UID] = true
	}
	return found, nil
}

// gone reports whether the API server has no lab of that name and UID.
func (s *sweep) gone(ctx context.Context, id state.Identity) (bool, error) {
	lab := &v1alpha1.NetLab{}
	err := s.live.Get(ctx, types.NamespacedName{Namespace: id.Namespace, Name: id.Name}, lab)
	switch {
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("get NetLab %s: %w", id, err)
	}
	return string(lab.UID) != id.Owner.UID(), nil
}
