// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Summary folds what the agents report into each NetLab's status.
type Summary struct {
	client   client.Client
	recorder events.EventRecorder
	now      func() time.Time
	roster   *roster
	memory   *memory
}

// Reconcile gathers the facts about one lab and writes its status if it has changed.
func (s *Summary) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	// The lab is remembered before the roster is read, so an event that changes the roster enqueues it.
	remembered := s.memory.open(request.NamespacedName, s.now())
	lab := &v1alpha1.NetLab{}
	if err := s.client.Get(ctx, request.NamespacedName, lab); err != nil {
		if apierrors.IsNotFound(err) {
			s.memory.forget(request.NamespacedName)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	facts, again := s.gather(lab, remembered)
	status, recheck := status.Summarize(facts)
	hold, err := s.write(ctx, lab, status, remembered)
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: sooner(hold, sooner(again, recheck))}, nil
}

// gather returns the facts about a lab.
func (s *Summary) gather(lab *v1alpha1.NetLab, remembered *labMemory) (status.Facts, time.Duration) {
	remembered.read(lab)
	selected := s.roster.selected(remembered.selector, remembered.selection)
	s.memory.keep(remembered, selected)
	now := s.now()
	nodes, again := s.roster.nodesFor(lab, selected, now)
	return status.Facts{NetLab: lab, Problems: remembered.problems, Nodes: nodes, Now: now}, again
}

// write patches the status if it has changed, or returns how long to hold it back. If the lab has changed
// since it was read, nothing is written: that change is an event of its own.
func (s *Summary) write(ctx context.Context, lab *v1alpha1.NetLab, status v1alpha1.NetLabStatus, remembered *labMemory) (hold time.Duration, err error) {
	if equality.Semantic.DeepEqual(lab.Status, status) {
		return 0, nil
	}
	if hold := remembered.holdFor(lab.Status, status, s.now()); hold > 0 {
		return hold, nil
	}
	before := lab.DeepCopy()
	err = cluster.ReplaceStatus(ctx, s.client, lab, status, lab.ResourceVersion)
	countStatusWrite(err)
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("write the status of NetLab %s/%s: %w", lab.Namespace, lab.Name, err)
	}
	remembered.written = s.now()
	s.announce(ctx, before, lab)
	return 0, nil
}

// announce writes a Kubernetes Event and a line of the log when Ready changes its status or reason.
func (s *Summary) announce(ctx context.Context, before, lab *v1alpha1.NetLab) {
	is := meta.FindStatusCondition(lab.Status.Conditions, v1alpha1.ConditionReady)
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	if was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	logf.FromContext(ctx).Info("Ready of a lab has changed", "lab", lab.Namespace+"/"+lab.Name, "generation", lab.Generation,
		"ready", is.Status, "reason", is.Reason, "message", is.Message)
	s.recorder.Eventf(lab, nil, severityOf(is.Reason), is.Reason, "Summarize", "%s", status.Note(is.Message))
}

// severityOf is Normal for what a lab passes through and for what its user asked for.
func severityOf(reason string) string {
	switch reason {
	case v1alpha1.ReasonReady, v1alpha1.ReasonProgressing, v1alpha1.ReasonPending, v1alpha1.ReasonSuspended:
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}

// labsIn lists the labs whose reports differ between two statuses of a node.
func labsIn(before, after v1alpha1.NetLabNodeStateStatus) []types.NamespacedName {
	old := make(map[types.NamespacedName]*v1alpha1.LabReport, len(before.Labs))
	for i := range before.Labs {
		old[status.NameOf(&before.Labs[i])] = &before.Labs[i]
	}
	var changed []types.NamespacedName
	for i := range after.Labs {
		name := status.NameOf(&after.Labs[i])
		if was, known := old[name]; !known || !status.SameReport(was, &after.Labs[i]) {
			changed = append(changed, name)
		}
		delete(old, name)
	}
	return slices.AppendSeq(changed, maps.Keys(old))
}
